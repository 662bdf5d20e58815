package webhook_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	reference "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/target/targettest"
	"github.com/postrider-dev/postrider/server/target/webhook"
)

const (
	secret      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	headerValue = "Bearer hunter2"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	targettest.Run(t, func(t *testing.T, timeout time.Duration) (target.Target, targettest.Receiver, string) {
		r := newReceiver(t)
		return newTarget(t, r.url, timeout), r, "hunter2"
	})
}

func newType(t testing.TB) *webhook.Type {
	client := egress.New(egress.Config{Guard: egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	t.Cleanup(client.CloseIdle)
	return webhook.NewType(client, "1.2.3")
}

func newTarget(t testing.TB, url string, timeout time.Duration) target.Target {
	t.Helper()
	config, err := json.Marshal(map[string]any{"url": url, "headers": map[string]string{"authorization": headerValue}})
	if err != nil {
		t.Fatal(err)
	}
	to, err := newType(t).New(target.Spec{Config: config, Secret: secret, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// receiver is an endpoint that verifies signatures with the reference library.
type receiver struct {
	t        testing.TB
	url      string
	verifier *reference.Webhook

	mu       sync.Mutex
	answer   targettest.Answer
	received []targettest.Received
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	verifier, err := reference.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, verifier: verifier}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook"
	return r
}

func (r *receiver) Answer(answer targettest.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) Received() []targettest.Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]targettest.Received(nil), r.received...)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	answer, err := r.record(request)
	if err != nil {
		r.t.Errorf("the receiver: %v", err)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	switch answer {
	case targettest.Accept:
		w.WriteHeader(http.StatusNoContent)
	case targettest.RejectEvent:
		http.Error(w, "no such order", http.StatusUnprocessableEntity)
	case targettest.Fail:
		http.Error(w, "database is down", http.StatusInternalServerError)
	case targettest.SlowDown:
		w.Header().Set("Retry-After", strconv.Itoa(int(targettest.SlowDownTime/time.Second)))
		w.WriteHeader(http.StatusTooManyRequests)
	case targettest.Gone:
		w.WriteHeader(http.StatusGone)
	case targettest.Swallow:
		<-request.Context().Done()
	case targettest.HangUp:
		panic(http.ErrAbortHandler)
	}
}

func (r *receiver) record(request *http.Request) (targettest.Answer, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return 0, err
	}
	got, err := r.read(request.Header, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = append(r.received, got)
	return r.answer, err
}

func (r *receiver) read(header http.Header, body []byte) (targettest.Received, error) {
	if err := r.verifier.Verify(body, header); err != nil {
		return targettest.Received{}, err
	}
	var document struct {
		ID        string
		Type      string
		Timestamp time.Time
		Data      json.RawMessage
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return targettest.Received{}, err
	}
	if document.ID != header.Get("webhook-id") || header.Get("authorization") != headerValue {
		return targettest.Received{}, errors.New("a header is missing")
	}
	return targettest.Received{
		ID: document.ID, Type: document.Type, Time: document.Timestamp, Data: document.Data,
		Cursor: header.Get("postrider-cursor"),
	}, nil
}
