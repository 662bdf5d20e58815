package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
)

var errEnded = errors.New("the connection ended before the acknowledgement")

// outcome says what came of an attempt. c is nil when there was no connection.
func (n *Nats) outcome(ctx context.Context, c *conn, a *attempt) gateway.Outcome {
	o := gateway.Outcome{Sent: gateway.Sent{Digest: n.form.Digest(), Form: n.form}}
	if c != nil {
		o.Address = c.raw.Address
	}
	if !a.sent.IsZero() {
		body := a.item.Message
		o.Sent.Transmitted, o.Sent.Signature = true, a.signed
		o.Sent.BodyBytes, o.Sent.Body = len(body.Document()), body.Digest()
		o.Timings.FirstByte = a.took
	}
	if a.err == nil {
		o.Kind = gateway.OutcomeDelivered
		o.ContentType, o.Response = contentType, acknowledgement(a.ack)
		if o.Truncated = len(o.Response) > gateway.MaxResponseKept; o.Truncated {
			o.Response = o.Response[:gateway.MaxResponseKept]
		}
		return o
	}
	n.failed(ctx, c, a.err, &o)
	// Some of it is the server's text.
	o.Error = o.Error[:min(len(o.Error), gateway.MaxResponseKept)]
	return o
}

// acknowledgement is the stream's answer.
func acknowledgement(ack *jetstream.PubAck) []byte {
	text, _ := json.Marshal(ack) // it has strings and numbers only
	return text
}

// failed classifies an error. A stream that refuses this one event is an event failure; everything else would befall the next event
// as well.
func (n *Nats) failed(ctx context.Context, c *conn, err error, o *gateway.Outcome) {
	o.Kind = gateway.OutcomeEndpointFailure
	var dial *egress.Error
	var refusal *jetstream.APIError
	switch {
	case ctx.Err() != nil, errors.As(err, &dial) && dial.Kind == egress.KindCanceled:
		o.Kind, o.Error = gateway.OutcomeNone, "canceled"
	case errors.As(err, &dial):
		o.Error, o.Cause = dial.Message, dial.Cause()
		if dial.Kind == egress.KindExhausted {
			o.Kind, o.NoSocket = gateway.OutcomeNone, true
		}
	case errors.As(err, &refusal):
		n.refused(refusal, o)
	case errors.Is(err, natsgo.ErrMaxPayload):
		o.Kind = gateway.OutcomeEventFailure
		o.Error = "the event is larger than the server's max_payload"
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, natsgo.ErrNoResponders):
		o.Error = "no stream takes the subject"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, jetstream.ErrAsyncPublishTimeout):
		o.Error, o.Cause = n.late(c), gateway.FailureTimeout
	case errors.Is(err, errEnded):
		o.Error, o.Cause = reported(err.Error(), c), gateway.FailureConnection
	default:
		o.Error = err.Error()
	}
}

// reported adds to a text what the server reported last.
func reported(text string, c *conn) string {
	if err := c.complained(); err != nil {
		text += "; the server reported: " + err.Error()
	}
	return text
}

func (n *Nats) late(c *conn) string {
	if c == nil {
		return fmt.Sprintf("no connection within %s", n.timeout)
	}
	return reported(fmt.Sprintf("no acknowledgement from %s within %s", c.raw.Address, n.timeout), c)
}

// tooLarge is JetStream's error for an event above the stream's size limit (JSStreamMessageExceedsMaximumErr).
const tooLarge = 10054

func (n *Nats) refused(refusal *jetstream.APIError, o *gateway.Outcome) {
	o.Status = int(refusal.ErrorCode)
	o.Error = fmt.Sprintf("JetStream refused the event: %s (%d)", refusal.Description, refusal.ErrorCode)
	switch {
	case refusal.ErrorCode == tooLarge:
		o.Kind = gateway.OutcomeEventFailure
	case refusal.Code == http.StatusTooManyRequests:
		o.Kind = gateway.OutcomeSlowDown
	}
}
