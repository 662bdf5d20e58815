package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	reference "github.com/standard-webhooks/standard-webhooks/libraries/go"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client/webhook"
)

const (
	secret      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	cursor      = "the-cursor"
	paid        = `{"id":"evt_1","type":"shop.v1.OrderPaid","timestamp":"2026-03-01T08:00:00.000000007Z","data":` +
		`{"orderId":"42","amount":{"currency":"EUR","minorUnits":"9007199254740993"},"giftCardCode":"ABCDEF012345"}}`
)

// request is a webhook as the reference library signs it.
func request(t testing.TB, key string, at time.Time, body string) *http.Request {
	t.Helper()
	signer, err := reference.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign("evt_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	r.Header.Set("webhook-id", "evt_1")
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
	r.Header.Set("postrider-cursor", cursor)
	return r
}

func newHandler(t testing.TB, secrets ...string) *webhook.Handler {
	t.Helper()
	h, err := webhook.NewHandler(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnEventReachesTheFunctionOfItsType(t *testing.T) {
	t.Parallel()
	h := newHandler(t, secret)
	calls := 0
	webhook.On(h, func(_ context.Context, order *shopv1.OrderPaid, event webhook.Event) error {
		calls++
		if order.GetOrderId() != "42" || order.GetAmount().GetMinorUnits() != 9007199254740993 {
			t.Errorf("order %v", order)
		}
		want := time.Date(2026, 3, 1, 8, 0, 0, 7, time.UTC)
		if event.ID != "evt_1" || event.Type != "shop.v1.OrderPaid" || !event.Time.Equal(want) || event.Cursor != cursor {
			t.Errorf("event %+v", event)
		}
		return nil
	})
	webhook.On(h, func(_ context.Context, order *shopv1.OrderCancelled, event webhook.Event) error {
		t.Errorf("the function of another type got %v", order)
		return nil
	})
	if w := serve(h, request(t, secret, time.Now(), paid)); w.Code != http.StatusNoContent || calls != 1 {
		t.Errorf("status %d, %d calls", w.Code, calls)
	}
}

func TestRequestsThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	change := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := []struct {
		name   string
		key    string
		at     time.Duration
		body   string
		change func(*http.Request)
		status int
	}{
		{"as it was sent", secret, 0, paid, nil, http.StatusNoContent},
		{"the secret before", otherSecret, 0, paid, nil, http.StatusNoContent},
		{"another secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, paid, nil, http.StatusUnauthorized},
		{"another body", secret, 0, paid, func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(paid, "42", "43", 1)))
		}, http.StatusUnauthorized},
		{"another id", secret, 0, paid, change("webhook-id", "evt_2"), http.StatusUnauthorized},
		{"another time", secret, 0, paid, change("webhook-timestamp", "1614265330"), http.StatusUnauthorized},
		{"six minutes old", secret, -6 * time.Minute, paid, nil, http.StatusUnauthorized},
		{"from the future", secret, 6 * time.Minute, paid, nil, http.StatusUnauthorized},
		{"no signature", secret, 0, paid, change("webhook-signature", ""), http.StatusUnauthorized},
		{"too long", secret, 0, `{"data":"` + strings.Repeat("x", 1000) + `"}`, nil, http.StatusRequestEntityTooLarge},
		{"no event", secret, 0, `[]`, nil, http.StatusBadRequest},
		{"not the type's data", secret, 0, `{"id":"evt_1","type":"shop.v1.OrderPaid","data":{"orderId":7}}`, nil, http.StatusUnprocessableEntity},
		{"no data", secret, 0, `{"id":"evt_1","type":"shop.v1.OrderPaid"}`, nil, http.StatusUnprocessableEntity},
		{"a field of a newer version", secret, 0, `{"id":"evt_1","type":"shop.v1.OrderPaid","data":{"new":1}}`, nil, http.StatusNoContent},
		{"a type nobody handles", secret, 0, `{"id":"evt_1","type":"order.noted","data":{}}`, nil, http.StatusNoContent},
		{"GET", secret, 0, paid, func(r *http.Request) { r.Method = http.MethodGet }, http.StatusMethodNotAllowed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, secret, otherSecret)
			h.MaxBodyBytes = 1000
			webhook.On(h, func(context.Context, *shopv1.OrderPaid, webhook.Event) error {
				if test.status != http.StatusNoContent {
					t.Error("the function was called")
				}
				return nil
			})
			r := request(t, test.key, time.Now().Add(test.at), test.body)
			if test.change != nil {
				test.change(r)
			}
			if w := serve(h, r); w.Code != test.status {
				t.Errorf("status %d (%s), want %d", w.Code, w.Body, test.status)
			}
		})
	}
}

func TestErrorsOfFunctions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		err              error
		status           int
		text, retryAfter string
	}{
		{"any", errors.New("the password is hunter2"), http.StatusInternalServerError, "the event could not be handled\n", ""},
		{"not this event", &webhook.StatusError{Status: 422, Text: "no such order", Cause: errors.New("hunter2")}, 422, "no such order\n", ""},
		{"later", &webhook.StatusError{Status: 503, RetryAfter: 1500 * time.Millisecond}, 503, "\n", "2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var logs strings.Builder
			h := newHandler(t, secret)
			h.Logger = slog.New(slog.NewTextHandler(&logs, nil))
			h.Fallback = func(context.Context, webhook.Event) error { return test.err }
			w := serve(h, request(t, secret, time.Now(), paid))
			if w.Code != test.status || w.Body.String() != test.text || w.Header().Get("Retry-After") != test.retryAfter {
				t.Errorf("got %d %q %q", w.Code, w.Body, w.Header().Get("Retry-After"))
			}
			if !strings.Contains(logs.String(), "event_id=evt_1") {
				t.Errorf("logged %s", &logs)
			}
		})
	}
}

func TestNewHandlerWantsSecrets(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{{}, {""}, {secret, "hunter2"}} {
		if _, err := webhook.NewHandler(secrets...); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%d secrets: %v", len(secrets), err)
		}
	}
}

func TestOneFunctionForAType(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, *shopv1.OrderPaid, webhook.Event) error { return nil }
	h := newHandler(t, secret)
	webhook.On(h, nothing)
	defer func() {
		if recover() == nil {
			t.Error("a second function was taken")
		}
	}()
	webhook.On(h, nothing)
}

// Regression (issue 8, 22): an impossible status panicked, and one of success acknowledged an error.
func TestAnErrorIsNeverAnsweredBySuccessOrAPanic(t *testing.T) {
	t.Parallel()
	var none *webhook.StatusError
	tests := map[string]func() error{
		"a nil *StatusError":        func() error { return none },
		"a wrapped nil":             func() error { return fmt.Errorf("store: %w", none) },
		"a panic":                   func() error { panic("hunter2") },
		"a panic with an error":     func() error { panic(errors.New("hunter2")) },
		"a wait that is negative":   func() error { return &webhook.StatusError{Status: 500, RetryAfter: -time.Second} },
		"a status within an error":  func() error { return fmt.Errorf("store: %w", &webhook.StatusError{Status: 204}) },
		"the status of a StatusErr": func() error { return &webhook.StatusError{} },
	}
	for _, status := range []int{-1, 0, 1, 99, 100, 101, 200, 204, 299, 301, 304, 399, 600, 999, 1000, 1 << 40} {
		tests[strconv.Itoa(status)] = func() error { return &webhook.StatusError{Status: status} }
	}
	for name, fail := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs strings.Builder
			h := newHandler(t, secret)
			h.Logger = slog.New(slog.NewTextHandler(&logs, nil))
			h.Fallback = func(context.Context, webhook.Event) error { return fail() }
			w := serve(h, request(t, secret, time.Now(), paid))
			if w.Code != http.StatusInternalServerError || w.Header().Get("Retry-After") != "" || strings.Contains(w.Body.String(), "hunter2") {
				t.Errorf("got %d %q %q", w.Code, w.Body, w.Header())
			}
			if !strings.Contains(logs.String(), "event_id=evt_1") || strings.Contains(logs.String(), "!PANIC") {
				t.Errorf("logged %s", &logs)
			}
		})
	}
}

func TestTheLongestWaitIsAskedForAsItIs(t *testing.T) {
	t.Parallel()
	h := newHandler(t, secret)
	h.Fallback = func(context.Context, webhook.Event) error {
		return &webhook.StatusError{Status: 503, RetryAfter: math.MaxInt64}
	}
	w := serve(h, request(t, secret, time.Now(), paid))
	if got := w.Header().Get("Retry-After"); got != "9223372037" {
		t.Errorf("Retry-After: %s", got)
	}
}
