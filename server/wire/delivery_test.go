package wire_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
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

func TestAttemptRequest(t *testing.T) {
	t.Parallel()
	shown := wire.AttemptRequest("POST", "http://x/", http.Header{"B": {"2", "3"}, "A": {"1"}}, []byte("{}"))
	var headers []string
	for _, header := range shown.GetHeaders() {
		headers = append(headers, header.GetName()+"="+header.GetValue())
	}
	if !slices.Equal(headers, []string{"A=1", "B=2", "B=3"}) || shown.GetBody() != "{}" {
		t.Errorf("shown %v", shown)
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
