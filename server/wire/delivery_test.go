package wire_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

func TestDelivery(t *testing.T) {
	t.Parallel()
	at := time.Unix(1709209800, 0)
	delivery := &gateway.Delivery{
		DeliveryKey: gateway.DeliveryKey{Subscription: 1, Position: 2}, State: gateway.DeliveryRetrying, Attempts: 2, Due: at,
		EventID: "e", EventType: "a.b",
		Last: &gateway.Attempt{Number: 2, Cause: gateway.CauseRetry, Start: at, Outcome: gateway.Outcome{
			Kind: gateway.OutcomeEndpointFailure, Status: 503, Error: "503", Address: "127.0.0.1:9",
			Timings:  gateway.Timings{Connect: time.Millisecond, Total: time.Second},
			Response: []byte("no\xff"), Truncated: true, ContentType: "text/plain",
		}},
	}
	shown := wire.Delivery(delivery, wire.DeliveryNames{Tenant: "acme", SubscriptionUID: "sub_1", SubscriptionName: "billing"})
	attempt := shown.GetLastAttempt()
	if shown.GetId() != delivery.ID() || shown.GetState() != postriderv1.DeliveryState_DELIVERY_STATE_RETRYING ||
		!shown.GetNextAttemptTime().AsTime().Equal(at) || shown.GetAttemptCount() != 2 || shown.GetCreateTime() != nil {
		t.Errorf("shown %v", shown)
	}
	if attempt.GetCause() != postriderv1.AttemptCause_ATTEMPT_CAUSE_RETRY ||
		attempt.GetOutcome() != postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_ENDPOINT_FAILURE ||
		attempt.GetResponse().GetBody() != "no\uFFFD" || !attempt.GetResponse().GetBodyTruncated() ||
		attempt.GetDuration().AsDuration() != time.Second || attempt.GetTimings().GetDns() != nil {
		t.Errorf("attempt %v", attempt)
	}
	if noAnswer := wire.Attempt(gateway.Attempt{}); noAnswer.GetResponse() != nil {
		t.Errorf("no answer came, shown %v", noAnswer)
	}
}

func sentAttempt(t *testing.T, number int, body string) gateway.Attempt {
	t.Helper()
	form, err := gateway.NewRequestForm("POST", "http://x/", []gateway.RequestHeader{
		{Name: "A", Value: "1"},
		{Name: "C", Fill: gateway.FillCursor},
		{Name: "I", Fill: gateway.FillEventID},
		{Name: "S", Fill: gateway.FillSignature},
		{Name: "T", Fill: gateway.FillTimestamp},
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := gateway.Sent{Digest: form.Digest(), Form: form}
	if body != "" {
		sent.Transmitted, sent.Signature = true, "v1,abc"
		sent.BodyBytes, sent.Body = len(body), gateway.DigestOf([]byte(body))
	}
	return gateway.Attempt{Number: number, Start: time.Unix(1_700_000_000, 5), Outcome: gateway.Outcome{Sent: sent}}
}

func TestAttemptRequest(t *testing.T) {
	t.Parallel()
	headers := func(attempt gateway.Attempt, event wire.SentEvent) (shown string) {
		for _, header := range wire.AttemptRequest(attempt, event).GetHeaders() {
			shown += header.GetName() + "=" + header.GetValue() + " "
		}
		return shown
	}
	sent := sentAttempt(t, 1, "{}")
	if shown := headers(sent, wire.SentEvent{ID: "evt_1", Cursor: "c1"}); shown != "A=1 C=c1 I=evt_1 S=v1,abc T=1700000000 " {
		t.Errorf("headers %s", shown)
	}
	if shown := headers(sent, wire.SentEvent{Cursor: "c1"}); strings.Contains(shown, "I=") {
		t.Errorf("headers without the event: %s", shown)
	}
	notSent := wire.AttemptRequest(sentAttempt(t, 1, ""), wire.SentEvent{ID: "evt_1"})
	if notSent.GetUrl() != "http://x/" || len(notSent.GetHeaders()) != 1 || notSent.GetBodyBytes() != 0 ||
		notSent.GetBodyState() != postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_NOT_SENT {
		t.Errorf("what was not sent is shown as %v", notSent)
	}
	if shown := wire.AttemptRequest(gateway.Attempt{}, wire.SentEvent{}); shown != nil {
		t.Errorf("what was not recorded is shown as %v", shown)
	}
}

func TestAttemptBodies(t *testing.T) {
	t.Parallel()
	attempts := func() (shown []*postriderv1.Attempt) {
		for i, body := range []string{"{}", "{ }", "{}", "", "{}", "-", "{ }"} {
			attempt := sentAttempt(t, i+1, body)
			if body == "-" {
				attempt.Outcome.Sent = gateway.Sent{}
			}
			one := wire.Attempt(attempt)
			one.Request = wire.AttemptRequest(attempt, wire.SentEvent{})
			shown = append(shown, one)
		}
		return shown
	}
	for _, c := range []struct {
		bodies []string
		kept   bool
		want   string
	}{
		{[]string{"{}"}, true, "REPEATED DIFFERENT REPEATED NOT_SENT SHOWN{} - DIFFERENT"},
		{[]string{"{ }"}, true, "DIFFERENT REPEATED DIFFERENT NOT_SENT DIFFERENT - SHOWN{ }"},
		{[]string{"{}", "{ }"}, true, "REPEATED REPEATED REPEATED NOT_SENT SHOWN{} - SHOWN{ }"},
		{nil, true, "DIFFERENT DIFFERENT DIFFERENT NOT_SENT DIFFERENT - DIFFERENT"},
		{nil, false, "GONE GONE GONE NOT_SENT GONE - GONE"},
	} {
		shown := attempts()
		var bodies [][]byte
		for _, body := range c.bodies {
			bodies = append(bodies, []byte(body))
		}
		wire.AttemptBodies(shown, c.kept, bodies...)
		var got []string
		for _, attempt := range shown {
			state := strings.TrimPrefix(attempt.GetRequest().GetBodyState().String(), "ATTEMPT_BODY_STATE_")
			if attempt.GetRequest() == nil {
				state = "-"
			}
			got = append(got, state+attempt.GetRequest().GetBody())
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%q: %s, want %s", c.bodies, text, c.want)
		}
	}
}

func TestStatesAndScopes(t *testing.T) {
	t.Parallel()
	states := wire.NewDeliveryStates([]postriderv1.DeliveryState{
		postriderv1.DeliveryState_DELIVERY_STATE_DEAD, postriderv1.DeliveryState_DELIVERY_STATE_PENDING,
	})
	if !slices.Equal(states, []gateway.DeliveryState{gateway.DeliveryPending, gateway.DeliveryDead}) {
		t.Errorf("states %v", states)
	}
	for set := gateway.Scope(0); set < 8; set++ {
		if got := wire.NewScopes(wire.Scopes(set)); got != set {
			t.Errorf("scopes %b became %b", set, got)
		}
	}
}
