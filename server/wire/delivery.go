package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

var deliveryStates = map[gateway.DeliveryState]postriderv1.DeliveryState{
	gateway.DeliveryPending:   postriderv1.DeliveryState_DELIVERY_STATE_PENDING,
	gateway.DeliveryRetrying:  postriderv1.DeliveryState_DELIVERY_STATE_RETRYING,
	gateway.DeliveryDelivered: postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED,
	gateway.DeliveryDead:      postriderv1.DeliveryState_DELIVERY_STATE_DEAD,
}

var attemptCauses = map[gateway.AttemptCause]postriderv1.AttemptCause{
	gateway.CauseFirst:  postriderv1.AttemptCause_ATTEMPT_CAUSE_FIRST,
	gateway.CauseRetry:  postriderv1.AttemptCause_ATTEMPT_CAUSE_RETRY,
	gateway.CauseProbe:  postriderv1.AttemptCause_ATTEMPT_CAUSE_PROBE,
	gateway.CauseManual: postriderv1.AttemptCause_ATTEMPT_CAUSE_MANUAL,
	gateway.CauseTest:   postriderv1.AttemptCause_ATTEMPT_CAUSE_TEST,
}

var attemptOutcomes = map[gateway.OutcomeKind]postriderv1.AttemptOutcome{
	gateway.OutcomeDelivered:       postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_DELIVERED,
	gateway.OutcomeEventFailure:    postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_EVENT_FAILURE,
	gateway.OutcomeEndpointFailure: postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_ENDPOINT_FAILURE,
	gateway.OutcomeSlowDown:        postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_SLOW_DOWN,
	gateway.OutcomeGone:            postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_GONE,
}

// NewDeliveryStates reads the states a list asks for; none means all.
func NewDeliveryStates(states []postriderv1.DeliveryState) []gateway.DeliveryState {
	var read []gateway.DeliveryState
	for domain, shown := range deliveryStates {
		if slices.Contains(states, shown) {
			read = append(read, domain)
		}
	}
	slices.Sort(read)
	return read
}

// DeliveryNames is what a delivery's keys stand for.
type DeliveryNames struct {
	Tenant           string
	SubscriptionUID  string
	SubscriptionName string
	// Cursor is that of the event.
	Cursor gateway.Cursor
}

// Delivery shows a delivery.
func Delivery(delivery *gateway.Delivery, names DeliveryNames) *postriderv1.Delivery {
	shown := &postriderv1.Delivery{
		Id: delivery.ID(), Tenant: names.Tenant,
		SubscriptionId: names.SubscriptionUID, SubscriptionName: names.SubscriptionName,
		EventId: delivery.EventID, EventType: delivery.EventType, Cursor: names.Cursor.String(),
		State: deliveryStates[delivery.State], AttemptCount: int32(delivery.Attempts),
		CreateTime: timestamp(delivery.CreateTime), UpdateTime: timestamp(delivery.UpdateTime),
	}
	if delivery.State == gateway.DeliveryRetrying {
		shown.NextAttemptTime = timestamp(delivery.Due)
	}
	if delivery.Last != nil {
		shown.LastAttempt = Attempt(*delivery.Last)
	}
	return shown
}

// Attempt shows an attempt without its request, which is not kept; AttemptRequest shows one made again.
func Attempt(attempt gateway.Attempt) *postriderv1.Attempt {
	outcome := attempt.Outcome
	return &postriderv1.Attempt{
		Number: int32(attempt.Number), Cause: attemptCauses[attempt.Cause], Outcome: attemptOutcomes[outcome.Kind],
		StartTime: timestamp(attempt.Start), Duration: durationpb.New(outcome.Timings.Total),
		Timings: timings(outcome.Timings), Address: outcome.Address, Error: printable(outcome.Error),
		Response: attemptResponse(outcome),
	}
}

// Attempts shows attempts in the order given.
func Attempts(attempts []gateway.Attempt) []*postriderv1.Attempt {
	shown := make([]*postriderv1.Attempt, len(attempts))
	for i, attempt := range attempts {
		shown[i] = Attempt(attempt)
	}
	return shown
}

// AttemptRequest shows what was sent, headers by name. The caller hides the values that are secret.
func AttemptRequest(method, url string, header http.Header, body []byte) *postriderv1.AttemptRequest {
	shown := &postriderv1.AttemptRequest{Method: method, Url: printable(url), Body: printable(string(body)), BodyBytes: int64(len(body))}
	digest := sha256.Sum256(body)
	shown.BodyDigest = hex.EncodeToString(digest[:8])
	for name, values := range header {
		for _, value := range values {
			shown.Headers = append(shown.Headers, &postriderv1.Header{Name: name, Value: printable(value)})
		}
	}
	slices.SortStableFunc(shown.Headers, func(a, b *postriderv1.Header) int { return strings.Compare(a.Name, b.Name) })
	return shown
}

func attemptResponse(outcome gateway.Outcome) *postriderv1.AttemptResponse {
	if outcome.Status == 0 {
		return nil
	}
	return &postriderv1.AttemptResponse{
		StatusCode: int32(outcome.Status), ContentType: printable(outcome.ContentType),
		Body: printable(string(outcome.Response)), BodyTruncated: outcome.Truncated,
	}
}

func timings(t gateway.Timings) *postriderv1.AttemptTimings {
	return &postriderv1.AttemptTimings{
		Dns: duration(t.DNS), Connect: duration(t.Connect), Tls: duration(t.TLS), FirstByte: duration(t.FirstByte),
	}
}

// duration shows a duration; 0 is absent.
func duration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// printable makes text of what an endpoint sent, which may be any bytes: a message holds only valid UTF-8.
func printable(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
