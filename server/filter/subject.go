package filter

import (
	"fmt"
	"sync"
	"sync/atomic"

	"cel.dev/cel-go/common/types"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter"
	"github.com/postrider-dev/postrider/server/schema"
)

// Subject is an event for evaluations: its payload is decoded once, and each program runs on it once.
type Subject struct {
	event *gateway.Event
	// version is the version of the event's schema; nil for an untyped event.
	version *schema.Type

	read    sync.Once
	payload any
	err     error

	mu       sync.Mutex
	verdicts map[*program]Verdict

	spent atomic.Uint64
}

// EventBudget is the budget of an expression for one event, in units of Spent. A processor does 20 million units a second.
const EventBudget = meter.Limit

// bytesOfUnit is the number of payload bytes that are decoded per unit of cost.
const bytesOfUnit = 8

// Spent returns the cost of the evaluations of the event so far, in units of EventBudget.
func (s *Subject) Spent() int { return int(s.spent.Load()) }

// Event returns the event.
func (s *Subject) Event() *gateway.Event { return s.event }

// data is the payload: a message, or the value of the JSON text.
func (s *Subject) data() (any, error) {
	s.read.Do(func() {
		s.spent.Add(uint64(len(s.event.Data) / bytesOfUnit))
		s.payload, s.err = s.readData()
	})
	return s.payload, s.err
}

func (s *Subject) readData() (any, error) {
	if s.event.Schema == 0 {
		return readJSON(s.event.Data)
	}
	message, err := s.version.Decode(s.event.Data)
	if err != nil {
		return nil, err
	}
	return message.ProtoReflect(), nil
}

// verdict returns the result of a program for the event. Two callers at the same moment may both run it, so that no caller
// waits for the evaluation of another.
func (s *Subject) verdict(p *program) Verdict {
	if known, ok := s.known(p); ok {
		return known
	}
	verdict := p.run(s, meter.Limit)
	s.keep(p, verdict)
	return verdict
}

func (s *Subject) known(p *program) (Verdict, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.verdicts[p]
	return known, ok
}

func (s *Subject) keep(p *program, verdict Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.verdicts == nil {
		s.verdicts = make(map[*program]Verdict, 1)
	}
	s.verdicts[p] = verdict
}

// eventVariable is the only variable of an expression.
const eventVariable = "event"

// eventFieldNames are the fields of `event`.
var eventFieldNames = []string{"id", "type", "source", "subject", "time", "accept_time", "data"}

// eventFields has the types of the fields of `event`.
func eventFields(data *types.Type) map[string]*types.FieldType {
	text := func(of func(*gateway.Event) string) *types.FieldType {
		return eventField(types.StringType, func(s *Subject) (any, error) { return of(s.event), nil },
			func(s *Subject) bool { return of(s.event) != "" })
	}
	always := func(*Subject) bool { return true }
	accepted := eventField(types.TimestampType, func(s *Subject) (any, error) { return s.event.AcceptTime, nil }, always)
	return map[string]*types.FieldType{
		"id":          text(func(e *gateway.Event) string { return e.ID }),
		"type":        text(func(e *gateway.Event) string { return e.Type }),
		"source":      text(func(e *gateway.Event) string { return e.Source }),
		"subject":     text(func(e *gateway.Event) string { return e.Subject }),
		"time":        eventField(types.TimestampType, func(s *Subject) (any, error) { return s.event.Time, nil }, always),
		"accept_time": accepted,
		"acceptTime":  accepted,
		"data":        eventField(data, (*Subject).data, always),
	}
}

func eventField(kind *types.Type, get func(*Subject) (any, error), set func(*Subject) bool) *types.FieldType {
	return &types.FieldType{
		Type: kind,
		IsSet: func(target any) bool {
			s, ok := target.(*Subject)
			return ok && set(s)
		},
		GetFrom: func(target any) (any, error) {
			s, ok := target.(*Subject)
			if !ok {
				return nil, fmt.Errorf("not an event: %T", target)
			}
			return get(s)
		},
	}
}
