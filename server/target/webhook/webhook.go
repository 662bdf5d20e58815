// Package webhook delivers each event as one signed HTTP POST (Standard Webhooks).
package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/signature"
	"github.com/postrider-dev/postrider/server/target"
)

// HeaderCursor carries the event's place in the log.
const HeaderCursor = "Postrider-Cursor"

// Webhook is one endpoint. It is safe for concurrent use.
type Webhook struct {
	client  *egress.Client
	url     *url.URL
	static  http.Header // the same in every attempt
	own     []string    // the names of the subscription's own headers
	signer  *signature.Signer
	timeout time.Duration
}

var _ target.Target = (*Webhook)(nil)

// Send posts the event.
func (w *Webhook) Send(ctx context.Context, m *target.Message, at time.Time) gateway.Outcome {
	body := m.Document()
	result, err := w.client.Do(ctx, egress.Request{
		Method:  http.MethodPost,
		URL:     w.url,
		Header:  w.header(m, at, body),
		Body:    body,
		Timeout: w.timeout,
		Keep:    gateway.MaxResponseKept,
	})
	if err != nil && !decided(result, err) {
		return failed(result, err)
	}
	outcome := answered(result, time.Now())
	outcome.Truncated = outcome.Truncated || err != nil
	return outcome
}

// decided reports whether an answer that broke off says what became of the event all the same: its status does, which the
// receiver sent when it had decided. The body is for people.
func decided(result egress.Result, err error) bool {
	var e *egress.Error
	return result.StatusCode != 0 && !(errors.As(err, &e) && e.Kind == egress.KindCanceled)
}

// header answers the static headers and those of one attempt.
func (w *Webhook) header(m *target.Message, at time.Time, body []byte) http.Header {
	header := make(http.Header, len(w.static)+5) // one more is for the client
	maps.Copy(header, w.static)
	values := []string{m.ID, strconv.FormatInt(at.Unix(), 10), w.signer.Sign(m.ID, at, body), m.Cursor}
	header[signature.HeaderID] = values[0:1:1]
	header[signature.HeaderTimestamp] = values[1:2:2]
	header[signature.HeaderSignature] = values[2:3:3]
	header[HeaderCursor] = values[3:4:4]
	return header
}

// Describe answers the request Send makes, the values of the subscription's own headers hidden.
func (w *Webhook) Describe(m *target.Message, at time.Time) target.Request {
	body := m.Document()
	header := w.header(m, at, body)
	request := target.Request{Method: http.MethodPost, URL: w.url.String(), Body: body}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		value := header.Get(name)
		if slices.Contains(w.own, name) {
			value = target.Hidden
		}
		request.Headers = append(request.Headers, target.Header{Name: name, Value: value})
	}
	return request
}

// failed is the outcome without an answer.
func failed(result egress.Result, err error) gateway.Outcome {
	outcome := outcomeOf(result)
	outcome.Kind = gateway.OutcomeEndpointFailure
	outcome.Error = err.Error()
	var e *egress.Error
	switch {
	case !errors.As(err, &e):
	case e.Kind == egress.KindCanceled:
		outcome.Kind = gateway.OutcomeNone
	case e.Kind == egress.KindExhausted:
		outcome.Kind, outcome.NoSocket = gateway.OutcomeNone, true
	}
	return outcome
}

// answered is the outcome of an answer whose status came at now.
func answered(result egress.Result, now time.Time) gateway.Outcome {
	outcome := outcomeOf(result)
	asked, hasRetryAfter := retryAfter(result.Header, now)
	outcome.Kind = gateway.ClassifyStatus(result.StatusCode, hasRetryAfter)
	if outcome.Kind != gateway.OutcomeDelivered {
		outcome.Error = fmt.Sprintf("the endpoint answered %s", statusText(result.StatusCode))
	}
	if outcome.Kind == gateway.OutcomeSlowDown && hasRetryAfter {
		outcome.RetryAfter = gateway.ClampRetryAfter(asked)
	}
	return outcome
}

func outcomeOf(result egress.Result) gateway.Outcome {
	return gateway.Outcome{
		Status:      result.StatusCode,
		Address:     result.Address,
		Timings:     gateway.Timings(result.Timings),
		ContentType: contentType(result.Header),
		Response:    result.Body,
		Truncated:   result.Truncated,
	}
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}
