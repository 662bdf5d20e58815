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
	"strings"
	"time"

	"github.com/postrider-dev/postrider/client/signature"
	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// HeaderCursor is the header with the position of the event in the log.
const HeaderCursor = "Postrider-Cursor"

// Webhook is one endpoint. It is safe for concurrent use.
type Webhook struct {
	client  *egress.Client
	url     *url.URL
	static  http.Header // the same in every attempt
	form    *gateway.RequestForm
	signer  *signature.Signer
	timeout time.Duration
}

var _ target.Target = (*Webhook)(nil)

// Send posts the event.
func (w *Webhook) Send(ctx context.Context, m *target.Message, at time.Time) gateway.Outcome {
	body := m.Document()
	signed := w.signer.Sign(m.ID, at, body)
	result, err := w.client.Do(ctx, egress.Request{
		Method:  http.MethodPost,
		URL:     w.url,
		Header:  w.header(m, at, signed),
		Body:    body,
		Timeout: w.timeout,
		Keep:    gateway.MaxResponseKept,
	})
	outcome := outcomeOf(result, err)
	outcome.Sent = gateway.Sent{Digest: w.form.Digest(), Form: w.form}
	if result.Address != "" {
		outcome.Sent.Transmitted, outcome.Sent.Signature = true, signed
		outcome.Sent.BodyBytes, outcome.Sent.Body = len(body), m.Digest()
	}
	return outcome
}

// Close does nothing: the client that all webhooks share owns the connections.
func (w *Webhook) Close() {}

// header returns the static headers and those of one attempt. formOf lists the same headers.
func (w *Webhook) header(m *target.Message, at time.Time, signed string) http.Header {
	header := make(http.Header, len(w.static)+5) // one is added by the client
	maps.Copy(header, w.static)
	values := []string{m.ID, strconv.FormatInt(at.Unix(), 10), signed, m.Cursor}
	header[signature.HeaderID] = values[0:1:1]
	header[signature.HeaderTimestamp] = values[1:2:2]
	header[signature.HeaderSignature] = values[2:3:3]
	header[HeaderCursor] = values[3:4:4]
	return header
}

// formOf returns the stored form of the requests. static are the headers of every attempt, with secret values hidden.
func formOf(url *url.URL, static http.Header) (*gateway.RequestForm, error) {
	headers := []gateway.RequestHeader{
		{Name: signature.HeaderID, Fill: gateway.FillEventID},
		{Name: signature.HeaderTimestamp, Fill: gateway.FillTimestamp},
		{Name: signature.HeaderSignature, Fill: gateway.FillSignature},
		{Name: HeaderCursor, Fill: gateway.FillCursor},
	}
	for name := range static {
		headers = append(headers, gateway.RequestHeader{Name: name, Value: static.Get(name)})
	}
	slices.SortFunc(headers, func(a, b gateway.RequestHeader) int { return strings.Compare(a.Name, b.Name) })
	return gateway.NewRequestForm(http.MethodPost, url.String(), headers)
}

func outcomeOf(result egress.Result, err error) gateway.Outcome {
	if err != nil && !decided(result, err) {
		return failed(result, err)
	}
	outcome := responseOutcome(result, time.Now())
	outcome.Truncated = outcome.Truncated || err != nil
	return outcome
}

// decided reports whether a response that broke off still decides the outcome. Its status does, because the receiver sends
// the status after it has decided. The body is only for people.
func decided(result egress.Result, err error) bool {
	var e *egress.Error
	return result.StatusCode != 0 && !(errors.As(err, &e) && e.Kind == egress.KindCanceled)
}

// failed returns the outcome of an attempt without a response.
func failed(result egress.Result, err error) gateway.Outcome {
	outcome := known(result)
	outcome.Kind = gateway.OutcomeEndpointFailure
	outcome.Error = err.Error()
	var e *egress.Error
	if errors.As(err, &e) {
		outcome.Cause = e.Cause()
	}
	switch {
	case e == nil:
	case e.Kind == egress.KindCanceled:
		outcome.Kind = gateway.OutcomeNone
	case e.Kind == egress.KindExhausted:
		outcome.Kind, outcome.NoSocket = gateway.OutcomeNone, true
	}
	return outcome
}

// responseOutcome returns the outcome of a response whose status arrived at now.
func responseOutcome(result egress.Result, now time.Time) gateway.Outcome {
	outcome := known(result)
	asked, hasRetryAfter := retryAfter(result.Header, now)
	outcome.Kind = classify(result.StatusCode, hasRetryAfter)
	if outcome.Kind != gateway.OutcomeDelivered {
		outcome.Error = fmt.Sprintf("the endpoint answered %s", statusText(result.StatusCode))
	}
	if result.Header.Get("Location") != "" && result.StatusCode/100 == 3 {
		outcome.Error += "; redirects are not followed"
	}
	if outcome.Kind == gateway.OutcomeSlowDown && hasRetryAfter {
		outcome.RetryAfter = gateway.ClampRetryAfter(asked)
	}
	return outcome
}

// known returns what is known of the response.
func known(result egress.Result) gateway.Outcome {
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
