package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/redact"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/target/webhook"
)

var at = time.Unix(1700000000, 0)

func message() *target.Message {
	return &target.Message{
		ID: "evt_1", Type: "order.created", Time: time.Unix(1600000000, 0), Data: []byte(`{"n":1}`), Cursor: "c1",
	}
}

func endpoint(t testing.TB, handle http.HandlerFunc) string {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func TestRequestAsItIsSent(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	url := endpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	})
	o := newTarget(t, url+"/hook?x=1", time.Minute).Send(t.Context(), message(), at)
	if o.Kind != gateway.OutcomeDelivered || o.Status != 200 || o.Address == "" {
		t.Fatalf("%+v", o)
	}
	if got.Method != http.MethodPost || got.URL.String() != "/hook?x=1" {
		t.Errorf("%s %s", got.Method, got.URL)
	}
	if want := `{"id":"evt_1","type":"order.created","timestamp":"2020-09-13T12:26:40Z","data":{"n":1}}`; string(body) != want {
		t.Errorf("body is %s", body)
	}
	for name, want := range map[string]string{
		"content-type":      "application/json",
		"user-agent":        "Postrider/1.2.3",
		"webhook-id":        "evt_1",
		"webhook-timestamp": "1700000000",
		"postrider-cursor":  "c1",
		"authorization":     headerValue,
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	if n := len(got.Header); n != 8 { // these six, webhook-signature and content-length
		t.Errorf("%d headers: %v", n, got.Header)
	}
}

func TestStatusDecides(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	cases := []struct {
		status     int
		retryAfter string
		want       gateway.OutcomeKind
		min, max   time.Duration // of RetryAfter
	}{
		{200, "", gateway.OutcomeDelivered, 0, 0},
		{299, "30", gateway.OutcomeDelivered, 0, 0},
		{302, "", gateway.OutcomeEventFailure, 0, 0},
		{400, "", gateway.OutcomeEventFailure, 0, 0},
		{404, "30", gateway.OutcomeEventFailure, 0, 0},
		{408, "", gateway.OutcomeEndpointFailure, 0, 0},
		{410, "", gateway.OutcomeGone, 0, 0},
		{500, "30", gateway.OutcomeEndpointFailure, 0, 0},
		{503, "", gateway.OutcomeEndpointFailure, 0, 0},
		{503, "soon", gateway.OutcomeEndpointFailure, 0, 0},
		{503, "-1", gateway.OutcomeEndpointFailure, 0, 0},
		{503, "30", gateway.OutcomeSlowDown, 30 * time.Second, 30 * time.Second},
		{429, "", gateway.OutcomeSlowDown, 0, 0},
		{429, "0", gateway.OutcomeSlowDown, 0, 0},
		{429, "soon", gateway.OutcomeSlowDown, 0, 0},
		{429, "1.5", gateway.OutcomeSlowDown, 0, 0},
		{429, "-1", gateway.OutcomeSlowDown, 0, 0},
		{503, "0", gateway.OutcomeEndpointFailure, 0, 0},
		{503, "Mon, 01 Jan 2001 00:00:00 GMT", gateway.OutcomeEndpointFailure, 0, 0},
		{503, "Monday, 01-Jan-01 00:00:00 GMT", gateway.OutcomeEndpointFailure, 0, 0},
		{503, "Fri Dec 31 23:59:59 9999", gateway.OutcomeSlowDown, 24 * time.Hour, 24 * time.Hour},
		{429, "Fri, 31 Dec 9999 23:59:59 GMT", gateway.OutcomeSlowDown, 24 * time.Hour, 24 * time.Hour},
		{429, " 7 ", gateway.OutcomeSlowDown, 7 * time.Second, 7 * time.Second},
		{429, "86401", gateway.OutcomeSlowDown, 24 * time.Hour, 24 * time.Hour},
		{429, "99999999999999999999", gateway.OutcomeSlowDown, 24 * time.Hour, 24 * time.Hour},
		{429, soon, gateway.OutcomeSlowDown, 59 * time.Minute, time.Hour},
		{429, "Mon, 01 Jan 2001 00:00:00 GMT", gateway.OutcomeSlowDown, 0, 0},
	}
	for _, c := range cases {
		url := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.WriteHeader(c.status)
		})
		o := newTarget(t, url, time.Minute).Send(t.Context(), message(), at)
		if o.Kind != c.want || o.Status != c.status || o.RetryAfter < c.min || o.RetryAfter > c.max {
			t.Errorf("%d with %q: %+v", c.status, c.retryAfter, o)
		}
	}
}

// When a response broke off after the status, a receiver that had accepted an event got it again, and the status of a
// receiver that was gone or asked for time was ignored.
func TestStatusDecidesThoughTheBodyBreaksOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status  int
		breaks  string // how the body breaks off
		want    gateway.OutcomeKind
		timeout time.Duration
	}{
		{200, "cut", gateway.OutcomeDelivered, time.Minute},
		{204, "cut", gateway.OutcomeDelivered, time.Minute},
		{200, "malformed", gateway.OutcomeDelivered, time.Minute},
		{202, "hangs", gateway.OutcomeDelivered, 300 * time.Millisecond},
		{410, "cut", gateway.OutcomeGone, time.Minute},
		{429, "cut", gateway.OutcomeSlowDown, time.Minute},
		{400, "cut", gateway.OutcomeEventFailure, time.Minute},
		{500, "malformed", gateway.OutcomeEndpointFailure, time.Minute},
	} {
		url := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
			conn, buffered, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			body := map[string]string{
				"cut": "Content-Length: 9\r\n\r\nhal", "malformed": "Transfer-Encoding: chunked\r\n\r\n3\r\nhal\r\nno\r\n",
				"hangs": "Content-Length: 9\r\n\r\nhal",
			}[c.breaks]
			_, _ = fmt.Fprintf(buffered, "HTTP/1.1 %d Status\r\n%s", c.status, body)
			_ = buffered.Flush()
			if c.breaks == "hangs" {
				_, _ = io.Copy(io.Discard, conn) // until the client gives up
			}
		})
		o := newTarget(t, url, c.timeout).Send(t.Context(), message(), at)
		kept := string(o.Response) == "hal" && o.Truncated || c.status == http.StatusNoContent
		if o.Kind != c.want || o.Status != c.status || !kept || o.Error != "" && o.Kind == gateway.OutcomeDelivered {
			t.Errorf("%d, %s: %+v", c.status, c.breaks, o)
		}
	}
}

// A hold until a date lasts as long as the endpoint meant, however much its clock differs from ours.
func TestRetryAfterDateIsOfTheEndpointsClock(t *testing.T) {
	t.Parallel()
	for _, year := range []int{2001, 2999} {
		theirs := time.Date(year, 5, 6, 7, 8, 9, 0, time.UTC)
		url := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", theirs.Format(http.TimeFormat))
			w.Header().Set("Retry-After", theirs.Add(7*time.Second).Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		o := newTarget(t, url, time.Minute).Send(t.Context(), message(), at)
		if o.Kind != gateway.OutcomeSlowDown || o.RetryAfter != 7*time.Second {
			t.Errorf("in %d: %+v", year, o)
		}
	}
}

// An endpoint that redirects a webhook expects the redirect to be followed, so the outcome says that it is not.
func TestARedirectIsSaidNotToBeFollowed(t *testing.T) {
	t.Parallel()
	url := endpoint(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	const want = "the endpoint answered 302 Found; redirects are not followed"
	if o := newTarget(t, url, time.Minute).Send(t.Context(), message(), at); o.Error != want {
		t.Errorf("error %q, want %q", o.Error, want)
	}
}

func TestAnswerIsKept(t *testing.T) {
	t.Parallel()
	url := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=\xff"+strings.Repeat("x", 200))
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, strings.Repeat("y", 5000))
	})
	o := newTarget(t, url, time.Minute).Send(t.Context(), message(), at)
	if len(o.Response) != 1024 || !o.Truncated || o.Error != "the endpoint answered 422 Unprocessable Entity" {
		t.Errorf("%d bytes, truncated %v, error %q", len(o.Response), o.Truncated, o.Error)
	}
	if len(o.ContentType) != 128 || !strings.HasPrefix(o.ContentType, "text/plain; charset=?x") {
		t.Errorf("content type %q", o.ContentType)
	}
}

func TestRefusedAddressIsTheEndpointsFailure(t *testing.T) {
	t.Parallel()
	o := newTarget(t, "http://169.254.169.254/", time.Minute).Send(t.Context(), message(), at)
	if o.Kind != gateway.OutcomeEndpointFailure || !strings.Contains(o.Error, "--allow-targets") {
		t.Errorf("%+v", o)
	}
}

// TestARecordedRequestIsTheOneThatArrived compares every header.
func TestARecordedRequestIsTheOneThatArrived(t *testing.T) {
	t.Parallel()
	var arrived http.Header
	url := endpoint(t, func(_ http.ResponseWriter, r *http.Request) { arrived = r.Header })
	sent := newTarget(t, url+"/hook?token=1", time.Minute).Send(t.Context(), message(), at).Sent
	if sent.Form.Method != http.MethodPost || sent.Form.URL != url+"/hook?token=1" || !sent.Transmitted {
		t.Errorf("recorded %+v, %s", sent, sent.Form.Text())
	}
	arrived.Del("Content-Length")
	if len(sent.Form.Headers) != len(arrived) {
		t.Errorf("recorded %v, arrived %v", sent.Form.Headers, arrived)
	}
	filled := map[gateway.HeaderFill]string{
		gateway.FillEventID: "evt_1", gateway.FillTimestamp: "1700000000", gateway.FillCursor: "c1", gateway.FillSignature: sent.Signature,
	}
	for _, header := range sent.Form.Headers {
		value, want := header.Value+filled[header.Fill], arrived.Get(header.Name)
		if header.Name == "Authorization" {
			want = redact.Hidden
		}
		if value != want || value == "" {
			t.Errorf("%s is recorded as %q, arrived as %q", header.Name, value, want)
		}
	}
}

func TestNothingIsRecordedAsSentWithoutAConnection(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://127.0.0.1:1/hook", "http://169.254.169.254/"} {
		sent := newTarget(t, url, time.Minute).Send(t.Context(), message(), at).Sent
		if sent.Transmitted || sent.Signature != "" || sent.BodyBytes != 0 || sent.Form.URL != url {
			t.Errorf("%s: recorded %+v", url, sent)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, config  string
		field, reason string // of the error; none when empty
	}{
		{"plain", `{"url":"http://127.0.0.1:9900/hook"}`, "", ""},
		{"with headers", `{"url":"https://127.0.0.1/","headers":{"Authorization":"Bearer x","x-a":"a\tb"}}`, "", ""},
		{"no URL", `{}`, "t.url", "https://"},
		{"bad URL", `{"url":"ftp://127.0.0.1/"}`, "t.url", "https://"},
		{"refused", `{"url":"https://10.0.0.1/"}`, "t.url", "--allow-targets"},
		{"plain http to a public address", `{"url":"http://93.184.216.34/"}`, "t.url", "https"},
		{"unknown field", `{"url":"https://127.0.0.1/","urll":"x"}`, "t", "configuration"},
		{"not JSON", `{`, "t", "configuration"},
		{"reserved header", `{"url":"https://127.0.0.1/","headers":{"host":"x"}}`, `t.headers["host"]`, "set by the server"},
		{"webhook header", `{"url":"https://127.0.0.1/","headers":{"webhook-id":"x"}}`, `t.headers["webhook-id"]`, "set by the server"},
		{"proxy header", `{"url":"https://127.0.0.1/","headers":{"Proxy-Authorization":"x"}}`, `t.headers["Proxy-Authorization"]`, "set by the server"},
		{"framing header", `{"url":"https://127.0.0.1/","headers":{"transfer-encoding":"chunked"}}`, `t.headers["transfer-encoding"]`, "set by the server"},
		{"header twice", `{"url":"https://127.0.0.1/","headers":{"X-A":"1","x-a":"2"}}`, `t.headers["x-a"]`, "twice"},
		{"header name", `{"url":"https://127.0.0.1/","headers":{"a b":"1"}}`, `t.headers["a b"]`, "not the name"},
		{"empty header name", `{"url":"https://127.0.0.1/","headers":{"":"1"}}`, `t.headers[""]`, "not the name"},
		{"header injection", `{"url":"https://127.0.0.1/","headers":{"x-a":"1\r\nx-b: 2"}}`, `t.headers["x-a"]`, "control character"},
	}
	kind := newType(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := kind.Check(t.Context(), "t", []byte(c.config))
			if c.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *gateway.Error
			if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Field != c.field || !strings.Contains(e.Message, c.reason) {
				t.Errorf("Check = %v", err)
			}
		})
	}
}

func TestCheckTellsWhatMayPass(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	err := newType(t).Check(ctx, "t", []byte(`{"url":"https://slow.example/"}`))
	var cause *egress.Error
	var e *gateway.Error
	if !errors.As(err, &cause) || cause.Kind != egress.KindTimeout || !errors.As(err, &e) || e.Reason != gateway.ReasonTargetRefused {
		t.Errorf("Check = %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]target.Spec{
		"config": {Config: []byte(`{`), Secret: secret},
		"url":    {Config: []byte(`{"url":"nowhere"}`), Secret: secret},
		"secret": {Config: []byte(`{"url":"https://127.0.0.1/"}`), Secret: "whsec_short"},
	} {
		if _, err := newType(t).New(spec); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTypeIsListedByName(t *testing.T) {
	t.Parallel()
	r := target.NewRegistry(newType(t))
	to, err := r.New(webhook.Name, target.Spec{Config: []byte(`{"url":"https://127.0.0.1/"}`), Secret: secret, Timeout: time.Second})
	if err != nil || to == nil {
		t.Errorf("New = %v, %v", to, err)
	}
}

func BenchmarkSend(b *testing.B) {
	url := endpoint(b, func(http.ResponseWriter, *http.Request) {})
	to := newTarget(b, url, 15*time.Second)
	m := message()
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if o := to.Send(b.Context(), m, at); o.Kind != gateway.OutcomeDelivered {
				b.Errorf("%+v", o)
			}
		}
	})
}
