package wire

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Limits of the time between heartbeats, as in SubscribeRequest.
const (
	minHeartbeat = 100 * time.Millisecond
	maxHeartbeat = 5 * time.Minute
)

// TicketParameter is the query parameter with the ticket, for clients that cannot send headers.
const TicketParameter = "ticket"

// CompressionParameter is the query parameter of a WebSocket's URL that requests compression, because browsers offer
// compression whether it is useful or not. CompressionDeflate is its only value.
const (
	CompressionParameter = "compression"
	CompressionDeflate   = "deflate"
)

// streamParameters parses each query parameter of a stream's URL into the request.
var streamParameters = map[string]func(*postriderv1.SubscribeRequest, []string) error{
	"tenant": func(r *postriderv1.SubscribeRequest, values []string) error {
		return readOne("tenant", values, &r.Tenant)
	},
	"expression": func(r *postriderv1.SubscribeRequest, values []string) error {
		if len(values) == 1 && values[0] == "" {
			return gateway.FieldError("expression", "is empty; leave it out for all events")
		}
		return readOne("expression", values, &r.Expression)
	},
	"start": func(r *postriderv1.SubscribeRequest, values []string) error {
		return readOne("start", values, &r.Start)
	},
	"types":          readTypes,
	"filter":         readFilters,
	"heartbeat":      readHeartbeat,
	"slow_policy":    readSlowPolicy,
	"payload_format": readPayloadFormat,
	"last_event_id":  readElsewhere,
	TicketParameter:  readElsewhere,
	// Polyfills of EventSource add these: the last event id, and a value that bypasses caches.
	polyfillParameter: readElsewhere,
	"_":               readElsewhere,
}

// polyfillParameter is the parameter in which polyfills of EventSource send the id that a browser sends in the header
// Last-Event-ID.
const polyfillParameter = "lastEventId"

// readElsewhere is for parameters that are not part of the request.
func readElsewhere(*postriderv1.SubscribeRequest, []string) error { return nil }

// ReadStreamQuery parses the query of a stream: tenant, types (repeated, or separated by commas), expression or filter
// (repeated, each a JSON object), start, slow_policy, payload_format and heartbeat. lastEventID is from the header, which a
// browser sends when it reconnects. It takes precedence over the parameter last_event_id, because it is newer, and both take
// precedence over start. The ticket is ignored.
func ReadStreamQuery(query url.Values, lastEventID string) (*postriderv1.SubscribeRequest, error) {
	request := &postriderv1.SubscribeRequest{}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		read, ok := streamParameters[name]
		if !ok {
			return nil, gateway.FieldError(name, "is not a parameter; the parameters are tenant, types, expression, filter, start, slow_policy, payload_format, heartbeat, last_event_id and ticket")
		}
		if err := read(request, query[name]); err != nil {
			return nil, err
		}
	}
	var last, newer string
	if err := readOne("last_event_id", query["last_event_id"], &last); err != nil {
		return nil, err
	}
	if err := readOne(polyfillParameter, query[polyfillParameter], &newer); err != nil {
		return nil, err
	}
	if lastEventID == "" {
		lastEventID = newer
	}
	return request, resumeAfter(request, last, lastEventID)
}

// resumeAfter sets the start to the last event id, if there is one.
func resumeAfter(request *postriderv1.SubscribeRequest, parameter, header string) error {
	field, last := "last_event_id", parameter
	if header != "" {
		field, last = "Last-Event-ID", header
	}
	if last == "" {
		return nil
	}
	if _, err := gateway.ParseCursor(last); err != nil {
		fault := gateway.FieldError(field, "must be the id of an event of this stream, which is a cursor")
		fault.Reason = gateway.ReasonInvalidCursor
		return fault
	}
	request.Start = last
	return nil
}

func readOne(name string, values []string, into *string) error {
	if len(values) > 1 {
		return gateway.FieldError(name, "is given %d times", len(values))
	}
	if len(values) == 1 {
		*into = values[0]
	}
	return nil
}

func readTypes(request *postriderv1.SubscribeRequest, values []string) error {
	for _, value := range values {
		if value == "" {
			// An empty value of a page does not mean all.
			return gateway.FieldError("types", "is empty; leave it out for events of all types")
		}
		request.Types = append(request.Types, strings.Split(value, ",")...)
	}
	return nil
}

// readFilters parses filters, each a NamedFilter as a JSON object. Errors name them as in SubscribeRequest.
func readFilters(request *postriderv1.SubscribeRequest, values []string) error {
	for i, value := range values {
		named := &postriderv1.NamedFilter{}
		if err := parseJSON([]byte(value), named); err != nil {
			return gateway.FieldError(fmt.Sprintf("filters[%d]", i),
				`must be a JSON object such as {"name":"orders","types":["order.*"]}: %s`, err.Message)
		}
		request.Filters = append(request.Filters, named)
	}
	return nil
}

func readSlowPolicy(request *postriderv1.SubscribeRequest, values []string) error {
	var text string
	if err := readOne("slow_policy", values, &text); err != nil || text == "" {
		return err
	}
	policy, ok := postriderv1.SlowPolicy_value["SLOW_POLICY_"+strings.ToUpper(text)]
	if !ok || policy == 0 || text != strings.ToLower(text) {
		return gateway.FieldError("slow_policy", "must be catch_up, latest_by_key, drop or disconnect")
	}
	request.SlowPolicy = postriderv1.SlowPolicy(policy)
	return nil
}

// readPayloadFormat parses the format of payloads, which is always a JSON format.
func readPayloadFormat(request *postriderv1.SubscribeRequest, values []string) error {
	var text string
	if err := readOne("payload_format", values, &text); err != nil || text == "" {
		return err
	}
	switch text {
	case "json":
		request.PayloadFormat = postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON
	case "json_defaults":
		request.PayloadFormat = postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON_DEFAULTS
	default:
		return gateway.FieldError("payload_format", "must be json or json_defaults")
	}
	return nil
}

func readHeartbeat(request *postriderv1.SubscribeRequest, values []string) error {
	var text string
	if err := readOne("heartbeat", values, &text); err != nil || text == "" {
		return err
	}
	interval, err := time.ParseDuration(text)
	if err != nil {
		return gateway.FieldError("heartbeat", `must be a time span such as "10s"`)
	}
	if interval < minHeartbeat || interval > maxHeartbeat {
		return gateway.FieldError("heartbeat", "must lie between %v and %v", minHeartbeat, maxHeartbeat)
	}
	request.HeartbeatInterval = durationpb.New(interval)
	return nil
}
