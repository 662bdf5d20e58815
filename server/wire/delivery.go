package wire

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
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

// NewDeliveryStates converts the states of a list request; none means all.
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

// EventDeliveries converts the numbers of an event's deliveries.
func EventDeliveries(eventID string, byState map[gateway.DeliveryState]int, more bool) *postriderv1.EventDeliveries {
	return &postriderv1.EventDeliveries{
		EventId: eventID, More: more,
		Pending: int32(byState[gateway.DeliveryPending]), Retrying: int32(byState[gateway.DeliveryRetrying]),
		Delivered: int32(byState[gateway.DeliveryDelivered]), Dead: int32(byState[gateway.DeliveryDead]),
	}
}

// DeliveryNames has the values that the keys of a delivery refer to.
type DeliveryNames struct {
	Tenant           string
	SubscriptionUID  string
	SubscriptionName string
	// Cursor is the cursor of the event.
	Cursor gateway.Cursor
}

// Delivery converts a delivery to its message.
func Delivery(delivery *gateway.Delivery, names DeliveryNames) *postriderv1.Delivery {
	shown := &postriderv1.Delivery{
		Id: delivery.ID(), Tenant: names.Tenant,
		SubscriptionId: names.SubscriptionUID, SubscriptionName: names.SubscriptionName,
		EventId: delivery.EventID, EventType: delivery.EventType, Cursor: names.Cursor.String(),
		EventSubject: delivery.EventSubject, EventAcceptTime: timestamp(delivery.EventAcceptTime),
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

// Attempt converts an attempt to its message, without its request; AttemptRequest converts that.
func Attempt(attempt gateway.Attempt) *postriderv1.Attempt {
	outcome := attempt.Outcome
	return &postriderv1.Attempt{
		Number: int32(attempt.Number), Cause: attemptCauses[attempt.Cause], Outcome: attemptOutcomes[outcome.Kind],
		StartTime: timestamp(attempt.Start), Duration: durationpb.New(outcome.Timings.Total),
		Timings: timings(outcome.Timings), Address: outcome.Address, Error: printable(outcome.Error),
		Response: attemptResponse(outcome),
	}
}

// Attempts converts attempts in the given order.
func Attempts(attempts []gateway.Attempt) []*postriderv1.Attempt {
	shown := make([]*postriderv1.Attempt, len(attempts))
	for i, attempt := range attempts {
		shown[i] = Attempt(attempt)
	}
	return shown
}

// SentEvent has the parts of a request that depend on the event. ID is empty if the event no longer exists.
type SentEvent struct{ ID, Cursor string }

// AttemptRequest returns the request of an attempt without its body, which is not stored: AttemptBodies adds the body. It
// returns nil if the request was not recorded.
func AttemptRequest(attempt gateway.Attempt, event SentEvent) *postriderv1.AttemptRequest {
	sent := &attempt.Outcome.Sent
	if sent.Form == nil {
		return nil
	}
	shown := &postriderv1.AttemptRequest{Method: sent.Form.Method, Url: printable(sent.Form.URL)}
	if sent.Transmitted {
		shown.BodyBytes, shown.BodyDigest = int64(sent.BodyBytes), hex.EncodeToString(sent.Body[:])
	} else {
		shown.BodyState = postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_NOT_SENT
	}
	for _, header := range sent.Form.Headers {
		if value, known := headerValue(header, attempt, event); known {
			shown.Headers = append(shown.Headers, &postriderv1.Header{Name: header.Name, Value: printable(value)})
		}
	}
	return shown
}

// headerValue returns the value of a header. The value is unknown if nothing was sent, or if it depends on the attempt and
// the event no longer exists.
func headerValue(header gateway.RequestHeader, attempt gateway.Attempt, event SentEvent) (value string, known bool) {
	if header.Fill != "" && !attempt.Outcome.Sent.Transmitted {
		return "", false
	}
	switch header.Fill {
	case gateway.FillEventID:
		return event.ID, event.ID != ""
	case gateway.FillTimestamp:
		return strconv.FormatInt(attempt.Start.Unix(), 10), true
	case gateway.FillSignature:
		return attempt.Outcome.Sent.Signature, true
	case gateway.FillCursor:
		return event.Cursor, true
	default:
		return header.Value, true
	}
}

// AttemptBodies adds each body to the newest attempt that sent it, and the reason why there is no body to the others. bodies
// are the renderings of the event; kept reports whether the event still exists.
func AttemptBodies(attempts []*postriderv1.Attempt, kept bool, bodies ...[]byte) {
	given := make(map[string][]byte, len(bodies))
	for _, body := range bodies {
		sum := gateway.DigestOf(body)
		given[hex.EncodeToString(sum[:])] = body
	}
	isShown := make(map[string]bool, len(bodies))
	for _, attempt := range slices.Backward(attempts) {
		request := attempt.GetRequest()
		digest := request.GetBodyDigest()
		body, found := given[digest]
		switch {
		case request == nil || request.GetBodyState() == postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_NOT_SENT:
		case !kept:
			request.BodyState = postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_GONE
		case !found:
			request.BodyState = postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_DIFFERENT
		case isShown[digest]:
			request.BodyState = postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_REPEATED
		default:
			request.Body, isShown[digest] = printable(string(body)), true
			request.BodyState = postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_SHOWN
		}
	}
}

func attemptResponse(outcome gateway.Outcome) *postriderv1.AttemptResponse {
	if outcome.Status == 0 && len(outcome.Response) == 0 {
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

// duration converts a duration; 0 is absent.
func duration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// printable converts bytes that an endpoint sent to valid UTF-8, which messages require.
func printable(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
