package deliver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// testType is the type of the event that Test sends.
const testType = "postrider.test"

// TestResult is the result of a test.
type TestResult struct {
	EventID string
	Attempt gateway.Attempt
	// Body is the body that was sent.
	Body []byte
}

// Test sends one event to the subscription's target, whatever the state of the subscription, and returns the response. It is a copy of
// a stored event with an id of its own, or made up if stored is nil. It is not in the log and changes no state; the attempt is stored.
func (e *Engine) Test(ctx context.Context, sub *gateway.Subscription, stored *gateway.Event) (TestResult, error) {
	to, err := e.targets.New(sub.TargetType, specOf(sub))
	if err != nil {
		return TestResult{}, err
	}
	defer to.Close()
	now := time.Now().UTC()
	message, err := e.testMessage(sub, stored, now)
	if err != nil {
		return TestResult{}, err
	}
	outcome := to.Send(ctx, message, now)
	if outcome.NoSocket {
		return TestResult{}, gateway.NoSocket(outcome.Error)
	}
	if outcome.Kind == gateway.OutcomeNone {
		return TestResult{}, context.Cause(ctx)
	}
	result := TestResult{
		EventID: message.ID,
		Attempt: gateway.Attempt{Number: 1, Cause: gateway.CauseTest, Start: now, Outcome: outcome},
		Body:    message.Document(),
	}
	return result, e.store.RecordTestAttempt(ctx, sub, result.Attempt)
}

func (e *Engine) testMessage(sub *gateway.Subscription, stored *gateway.Event, now time.Time) (*target.Message, error) {
	id := "test_" + rand.Text()
	if stored != nil {
		message, err := e.message(stored, sub.Payload)
		if err != nil {
			return nil, err
		}
		message.ID = id
		return message, nil
	}
	data, err := json.Marshal(map[string]any{
		"test": true, "subscription": sub.Name, "message": "This is a test. It is not in the log.",
	})
	if err != nil {
		return nil, fmt.Errorf("make test event: %w", err)
	}
	return &target.Message{
		ID: id, Type: testType, Source: gateway.DefaultSource, Time: now, Data: data,
	}, nil
}

// Bodies returns the bodies that attempts of the event may send today, one for each payload format.
func (e *Engine) Bodies(event *gateway.Event) (bodies [][]byte) {
	for _, format := range []gateway.PayloadFormat{gateway.PayloadJSON, gateway.PayloadJSONDefaults} {
		// If the event cannot be rendered any more, its body today differs from any that was sent.
		if message, err := e.message(event, format); err == nil {
			bodies = append(bodies, message.Document())
		}
	}
	return bodies
}
