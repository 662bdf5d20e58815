package wire

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// members appends the members of one JSON object and omits absent ones.
type members struct {
	dst   []byte
	begin int
	err   error
}

func open(dst []byte) *members {
	dst = append(dst, '{')
	return &members{dst: dst, begin: len(dst)}
}

func (m *members) close() ([]byte, error) { return append(m.dst, '}'), m.err }

// name appends a member's name, which needs no escapes.
func (m *members) name(name string) {
	if len(m.dst) > m.begin {
		m.dst = append(m.dst, ',')
	}
	m.dst = append(m.dst, '"')
	m.dst = append(m.dst, name...)
	m.dst = append(m.dst, '"', ':')
}

func (m *members) text(name, value string) {
	if value == "" {
		return
	}
	m.name(name)
	quoted, err := jsontext.AppendQuote(m.dst, value)
	if err != nil {
		m.fail(fmt.Errorf("encode %s: %w", name, err))
		return
	}
	m.dst = quoted
}

func (m *members) time(name string, at *timestamppb.Timestamp) {
	if at == nil {
		return
	}
	if err := at.CheckValid(); err != nil {
		m.fail(fmt.Errorf("encode %s: %w", name, err))
		return
	}
	m.name(name)
	m.dst = append(m.dst, '"')
	m.dst = appendTime(m.dst, at.AsTime())
	m.dst = append(m.dst, '"')
}

// value appends a member whose value is written by appendValue.
func (m *members) value(name string, appendValue func([]byte) ([]byte, error)) {
	m.name(name)
	dst, err := appendValue(m.dst)
	if err != nil {
		m.fail(err)
		return
	}
	m.dst = dst
}

func (m *members) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// appendTime writes 0, 3, 6 or 9 digits of the second, as protojson does.
func appendTime(dst []byte, at time.Time) []byte {
	layout := "2006-01-02T15:04:05.000000000Z"
	switch nanos := at.Nanosecond(); {
	case nanos == 0:
		layout = "2006-01-02T15:04:05Z"
	case nanos%1_000_000 == 0:
		layout = "2006-01-02T15:04:05.000Z"
	case nanos%1_000 == 0:
		layout = "2006-01-02T15:04:05.000000Z"
	}
	return at.AppendFormat(dst, layout)
}

func appendPublishResponse(dst []byte, response *postriderv1.PublishResponse) ([]byte, error) {
	m := open(dst)
	m.text("id", response.GetId())
	m.text("cursor", response.GetCursor())
	if response.GetDuplicate() {
		m.name("duplicate")
		m.dst = append(m.dst, "true"...)
	}
	return m.close()
}

func appendPublishBatchResponse(dst []byte, response *postriderv1.PublishBatchResponse) ([]byte, error) {
	m := open(dst)
	if len(response.GetResults()) > 0 {
		m.value("results", func(dst []byte) ([]byte, error) {
			return appendList(dst, response.GetResults(), appendPublishResponse)
		})
	}
	return m.close()
}

func appendGetEventResponse(dst []byte, response *postriderv1.GetEventResponse) ([]byte, error) {
	m := open(dst)
	m.event(response.GetEvent())
	return m.close()
}

func appendListEventsResponse(dst []byte, response *postriderv1.ListEventsResponse) ([]byte, error) {
	m := open(dst)
	if len(response.GetEvents()) > 0 {
		m.value("events", func(dst []byte) ([]byte, error) {
			return appendList(dst, response.GetEvents(), appendEvent)
		})
	}
	m.text("nextPageToken", response.GetNextPageToken())
	m.text("cursor", response.GetCursor())
	m.time("searchedTime", response.GetSearchedTime())
	return m.close()
}

func appendSubscribeResponse(dst []byte, response *postriderv1.SubscribeResponse) ([]byte, error) {
	event, ok := response.GetMessage().(*postriderv1.SubscribeResponse_Event)
	if !ok {
		return protojson.MarshalOptions{}.MarshalAppend(dst, response)
	}
	m := open(dst)
	m.text("cursor", response.GetCursor())
	m.event(event.Event)
	dst, err := m.close()
	return InsertFilters(dst, response.GetFilters()), err
}

// InsertFilters inserts the names of filters into the JSON object at the end of dst, which has members. The names need no
// escapes.
func InsertFilters(dst []byte, names []string) []byte {
	if len(names) == 0 {
		return dst
	}
	dst = append(dst[:len(dst)-1], `,"filters":["`...)
	for i, name := range names {
		if i > 0 {
			dst = append(dst, `","`...)
		}
		dst = append(dst, name...)
	}
	return append(dst, `"]}`...)
}

func (m *members) event(event *postriderv1.Event) {
	if event != nil {
		m.value("event", func(dst []byte) ([]byte, error) { return appendEvent(dst, event) })
	}
}

func appendEvent(dst []byte, event *postriderv1.Event) ([]byte, error) {
	m := open(dst)
	m.text("id", event.GetId())
	m.text("type", event.GetType())
	m.text("source", event.GetSource())
	m.text("subject", event.GetSubject())
	m.time("time", event.GetTime())
	switch payload := event.GetPayload().(type) {
	case nil:
	case *postriderv1.Event_JsonData:
		m.name("data")
		m.dst = append(m.dst, payload.JsonData...)
	default:
		m.fail(fmt.Errorf("event %q: its payload is not JSON text", event.GetId()))
	}
	m.text("cursor", event.GetCursor())
	m.time("acceptTime", event.GetAcceptTime())
	m.text("tenant", event.GetTenant())
	if version := event.GetSchemaVersion(); version != 0 {
		m.name("schemaVersion")
		m.dst = strconv.AppendInt(m.dst, int64(version), 10)
	}
	m.text("dataSchema", event.GetDataSchema())
	if len(event.GetViolations()) > 0 {
		m.value("violations", func(dst []byte) ([]byte, error) {
			return appendList(dst, event.GetViolations(), appendViolation)
		})
	}
	return m.close()
}

func appendViolation(dst []byte, violation *postriderv1.SchemaViolation) ([]byte, error) {
	m := open(dst)
	m.text("field", violation.GetField())
	m.text("rule", violation.GetRule())
	m.text("message", violation.GetMessage())
	return m.close()
}

func appendList[T any](dst []byte, list []T, appendOne func([]byte, T) ([]byte, error)) ([]byte, error) {
	dst = append(dst, '[')
	for i, one := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendOne(dst, one); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}
