package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	dim   = "\x1b[2m"
	bold  = "\x1b[1m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

// printer returns how events are shown: as lines of JSON, or for a person, in colour on a terminal.
func printer(env environment, asJSON bool) func(*postriderv1.Event) error {
	if asJSON {
		return func(event *postriderv1.Event) error {
			line, err := eventJSON(event)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.stdout, line)
			return err
		}
	}
	coloured := isTerminal(env.stdout) && !isSet(env, "NO_COLOR")
	paint := func(colour, text string) string {
		if !coloured || text == "" {
			return text
		}
		return colour + text + reset
	}
	return func(event *postriderv1.Event) error {
		line := paint(dim, clock(event.GetAcceptTime())) + "  " + paint(bold+cyan, visible(event.GetType()))
		if subject := event.GetSubject(); subject != "" {
			line += "  " + visible(subject)
		}
		line += "  " + paint(dim, visible(event.GetId())) + "  " + visible(oneLine(event.GetJsonData())) + visible(broken(event))
		_, err := fmt.Fprintln(unescaped(env.stdout), line)
		return err
	}
}

// shownEvent is an event as one line of JSON, which publish --ndjson takes: it passes over the last fields.
type shownEvent struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Source     string          `json:"source"`
	Subject    string          `json:"subject,omitempty"`
	Time       time.Time       `json:"time"`
	Data       json.RawMessage `json:"data"`
	Cursor     string          `json:"cursor"`
	AcceptTime time.Time       `json:"acceptTime"`
	// Violations is why it is marked: it was accepted although it breaks its schema.
	Violations []shownViolation `json:"violations,omitempty"`
}

type shownViolation struct {
	Field   string `json:"field"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
}

func newShownEvent(event *postriderv1.Event) shownEvent {
	var violations []shownViolation
	for _, v := range event.GetViolations() {
		violations = append(violations, shownViolation{v.GetField(), v.GetRule(), v.GetMessage()})
	}
	return shownEvent{
		Violations: violations,
		ID:         event.GetId(), Type: event.GetType(), Source: event.GetSource(), Subject: event.GetSubject(),
		Time: event.GetTime().AsTime(), Data: json.RawMessage(event.GetJsonData()),
		Cursor: event.GetCursor(), AcceptTime: event.GetAcceptTime().AsTime(),
	}
}

// broken says what a marked event breaks first.
func broken(event *postriderv1.Event) string {
	violations := event.GetViolations()
	if len(violations) == 0 {
		return ""
	}
	more := ""
	if len(violations) > 1 {
		more = fmt.Sprintf("; and %d more", len(violations)-1)
	}
	return fmt.Sprintf("  (breaks its schema: %s: %s%s)", violations[0].GetField(), violations[0].GetMessage(), more)
}

func clock(at *timestamppb.Timestamp) string { return at.AsTime().Local().Format("15:04:05.000") }

// eventJSON is an event as one line of JSON.
func eventJSON(event *postriderv1.Event) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(newShownEvent(event))
	return strings.TrimSuffix(out.String(), "\n"), err
}
