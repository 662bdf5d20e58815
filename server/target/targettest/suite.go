// Package targettest is the suite that every target type must pass. It tests the promises to the delivery engine against the
// target's own kind of receiver.
package targettest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// Answer is how a receiver reacts to an event.
type Answer int

const (
	// Accept accepts the event.
	Accept Answer = iota
	// RejectEvent rejects the event because of its content.
	RejectEvent
	// Fail fails regardless of the event.
	Fail
	// SlowDown asks the sender to wait for SlowDownTime.
	SlowDown
	// Gone refuses all events from now on.
	Gone
	// Swallow reads the event and never responds.
	Swallow
	// HangUp closes the connection instead of responding.
	HangUp
)

// SlowDownTime is the time that a receiver asks for with SlowDown.
const SlowDownTime = 30 * time.Second

// Receiver is the other end of a target. It verifies what arrives in every way that its protocol has, such as signatures,
// and reports faults to its own test.
type Receiver interface {
	// Answer sets how the receiver reacts from now on. The default is Accept.
	Answer(Answer)
	// Received returns the events that arrived, in order of arrival.
	Received() []Received
}

// Received is one event as it arrived.
type Received struct {
	ID, Type, Cursor string
	Time             time.Time
	// Data is the exact text of the payload.
	Data []byte
}

// Setup makes a target with this timeout, and the receiver to which it sends. secret must not appear in anything that people
// can see.
type Setup func(t *testing.T, timeout time.Duration) (to target.Target, receiver Receiver, secret string)

// Run runs the suite. wordless lists the answers that the target's protocol cannot express.
func Run(t *testing.T, setup Setup, wordless ...Answer) {
	t.Run("events arrive intact", func(t *testing.T) { t.Parallel(); arriveIntact(t, setup) })
	t.Run("each answer has its meaning", func(t *testing.T) { t.Parallel(); answersMean(t, setup, wordless) })
	t.Run("an event keeps its identity", func(t *testing.T) { t.Parallel(); keepIdentity(t, setup) })
	t.Run("an attempt ends within its timeout", func(t *testing.T) { t.Parallel(); endInTime(t, setup) })
	t.Run("a canceled attempt has no outcome", func(t *testing.T) { t.Parallel(); cancel(t, setup) })
	t.Run("attempts run side by side", func(t *testing.T) { t.Parallel(); runSideBySide(t, setup) })
	t.Run("what was sent is recorded", func(t *testing.T) { t.Parallel(); recordSent(t, setup) })
	t.Run("a batch has an outcome for each event", func(t *testing.T) { t.Parallel(); sendBatch(t, setup) })
	t.Run("secrets are hidden", func(t *testing.T) { t.Parallel(); hideSecrets(t, setup) })
}

// ample is a timeout that no attempt of a test needs.
const ample = 30 * time.Second

var start = time.Date(2024, 2, 29, 12, 30, 45, 123456000, time.UTC)

func message(n int, data string) *target.Message {
	return &target.Message{
		ID: fmt.Sprintf("evt_%d", n), Type: "order.created", Source: "postrider", Subject: "42", Time: start,
		Data: []byte(data), Cursor: fmt.Sprintf("cursor-%d", n),
	}
}

func arriveIntact(t *testing.T, setup Setup) {
	to, receiver, _ := setup(t, ample)
	payloads := []string{
		`{}`,
		`{"orderId":"42","total":9007199254740993,"price":1.10,"@type":"x","b":1,"a":2}`,
		"{\n\t\"space\" : [ 1 , 2 ] }",
		`{"text":"\u0000 \" \\ <script> ` + "\u2028 é 💌" + `","a.b":null}`,
		`{"long":"` + strings.Repeat("x", 1<<20-20) + `"}`,
	}
	for n, data := range payloads {
		if o := to.Send(t.Context(), message(n, data), time.Now()); o.Kind != gateway.OutcomeDelivered || o.Error != "" {
			t.Fatalf("payload %d: %+v", n, o)
		}
	}
	for n, got := range receiver.Received() {
		want := message(n, payloads[n])
		if got.ID != want.ID || got.Type != want.Type || got.Cursor != want.Cursor || !got.Time.Equal(want.Time) {
			t.Errorf("payload %d arrived as %s %s %s %s", n, got.ID, got.Type, got.Cursor, got.Time)
		}
		if !bytes.Equal(got.Data, want.Data) {
			t.Errorf("payload %d arrived as %.200s", n, got.Data)
		}
	}
	if got := len(receiver.Received()); got != len(payloads) {
		t.Errorf("%d events arrived, want %d", got, len(payloads))
	}
}

func answersMean(t *testing.T, setup Setup, wordless []Answer) {
	for answer, want := range map[Answer]gateway.OutcomeKind{
		Accept:      gateway.OutcomeDelivered,
		RejectEvent: gateway.OutcomeEventFailure,
		Fail:        gateway.OutcomeEndpointFailure,
		SlowDown:    gateway.OutcomeSlowDown,
		Gone:        gateway.OutcomeGone,
		HangUp:      gateway.OutcomeEndpointFailure,
	} {
		if slices.Contains(wordless, answer) {
			continue
		}
		to, receiver, _ := setup(t, ample)
		receiver.Answer(answer)
		o := to.Send(t.Context(), message(1, `{}`), time.Now())
		if o.Kind != want {
			t.Errorf("answer %d: outcome is %v (%s), want %v", answer, o.Kind, o.Error, want)
		}
		if delivered := o.Kind == gateway.OutcomeDelivered; delivered != (o.Error == "") {
			t.Errorf("answer %d: error is %q", answer, o.Error)
		}
		if slow := o.Kind == gateway.OutcomeSlowDown; slow != (o.RetryAfter == SlowDownTime) {
			t.Errorf("answer %d: retry after %v", answer, o.RetryAfter)
		}
		if o.Timings.Total <= 0 || len(o.Response) > gateway.MaxResponseKept {
			t.Errorf("answer %d: timings %+v, %d bytes of response", answer, o.Timings, len(o.Response))
		}
	}
}

func keepIdentity(t *testing.T, setup Setup) {
	to, receiver, _ := setup(t, ample)
	receiver.Answer(Fail)
	m := message(1, `{"n":1}`)
	to.Send(t.Context(), m, time.Now())
	receiver.Answer(Accept)
	to.Send(t.Context(), m, time.Now())
	got := receiver.Received()
	if len(got) != 2 || fmt.Sprint(got[0]) != fmt.Sprint(got[1]) {
		t.Errorf("two attempts arrived as %v", got)
	}
}

func endInTime(t *testing.T, setup Setup) {
	const timeout = 200 * time.Millisecond
	to, receiver, _ := setup(t, timeout)
	receiver.Answer(Swallow)
	began := time.Now()
	o := to.Send(t.Context(), message(1, `{}`), began)
	if took := time.Since(began); o.Kind != gateway.OutcomeEndpointFailure || o.Error == "" || took < timeout || took > ample {
		t.Errorf("after %v: %+v", took, o)
	}
}

func cancel(t *testing.T, setup Setup) {
	to, receiver, _ := setup(t, ample)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if o := to.Send(ctx, message(1, `{}`), time.Now()); o.Kind != gateway.OutcomeNone {
		t.Errorf("canceled before it began: %+v", o)
	}
	receiver.Answer(Swallow)
	ctx, stop = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	began := time.Now()
	if o := to.Send(ctx, message(2, `{}`), began); o.Kind != gateway.OutcomeNone || time.Since(began) > ample/2 {
		t.Errorf("canceled on its way: %+v after %v", o, time.Since(began))
	}
}

func runSideBySide(t *testing.T, setup Setup) {
	const attempts, events = 200, 20
	to, receiver, _ := setup(t, ample)
	shared := make([]*target.Message, events)
	for n := range shared {
		shared[n] = message(n, fmt.Sprintf(`{"n":%d}`, n))
	}
	var group sync.WaitGroup
	for n := range attempts {
		group.Go(func() {
			if o := to.Send(t.Context(), shared[n%events], time.Now()); o.Kind != gateway.OutcomeDelivered {
				t.Errorf("attempt %d: %+v", n, o)
			}
		})
	}
	group.Wait()
	arrived := map[string]int{}
	for _, r := range receiver.Received() {
		arrived[r.ID+" "+string(r.Data)]++
	}
	for n := range shared {
		if key := fmt.Sprintf(`evt_%d {"n":%d}`, n, n); arrived[key] != attempts/events {
			t.Errorf("%s arrived %d times", key, arrived[key])
		}
	}
}

func recordSent(t *testing.T, setup Setup) {
	to, receiver, _ := setup(t, ample)
	first, second := message(1, `{"n":1}`), message(2, `{"n":22}`)
	sent := to.Send(t.Context(), first, time.Now()).Sent
	receiver.Answer(Fail)
	other := to.Send(t.Context(), second, time.Now()).Sent
	if !sent.Transmitted || sent.BodyBytes != len(first.Document()) || sent.Body != gateway.DigestOf(first.Document()) {
		t.Errorf("recorded %+v", sent)
	}
	if other.Body != second.Digest() || other.Digest != sent.Digest || sent.Form.Digest() != sent.Digest {
		t.Errorf("the second event is recorded as %+v after %+v", other, sent)
	}
}

// sendBatch tests targets that send batches: each event has the outcome that it would have alone, and the events arrive in
// order.
func sendBatch(t *testing.T, setup Setup) {
	to, receiver, _ := setup(t, ample)
	batcher, ok := to.(target.Batcher)
	if !ok {
		return
	}
	items := batchFrom(0)
	checkBatch(t, batcher.SendBatch(t.Context(), items), gateway.OutcomeDelivered)
	for n, got := range receiver.Received() {
		if got.ID != items[n].Message.ID {
			t.Fatalf("event %d arrived as %s", n, got.ID)
		}
	}
	receiver.Answer(Fail)
	checkBatch(t, batcher.SendBatch(t.Context(), batchFrom(100)), gateway.OutcomeEndpointFailure)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	checkBatch(t, batcher.SendBatch(canceled, batchFrom(200)), gateway.OutcomeNone)
}

// batchFrom returns a hundred events, numbered from first.
func batchFrom(first int) []target.Item {
	items := make([]target.Item, 100)
	for i := range items {
		n := first + i
		items[i] = target.Item{Message: message(n, fmt.Sprintf(`{"n":%d}`, n)), At: time.Now()}
	}
	return items
}

func checkBatch(t *testing.T, outcomes []gateway.Outcome, want gateway.OutcomeKind) {
	t.Helper()
	if len(outcomes) != 100 {
		t.Fatalf("%d outcomes of 100 events", len(outcomes))
	}
	for n, o := range outcomes {
		if o.Kind != want || want == gateway.OutcomeDelivered && o.Sent.Body != gateway.DigestOf(message(n, fmt.Sprintf(`{"n":%d}`, n)).Document()) {
			t.Fatalf("event %d: %+v, want %v", n, o, want)
		}
	}
}

func hideSecrets(t *testing.T, setup Setup) {
	to, receiver, secret := setup(t, ample)
	if secret == "" {
		t.Fatal("the setup names no secret")
	}
	m := message(1, `{"n":1}`)
	for _, answer := range []Answer{Accept, RejectEvent, HangUp} {
		receiver.Answer(answer)
		o := to.Send(t.Context(), m, time.Now())
		o.Response = nil // depends on the endpoint
		form := o.Sent.Form.Text()
		if len(form) == 0 || bytes.Contains(form, []byte(secret)) {
			t.Errorf("the request is recorded as %s", form)
		}
		if text := fmt.Sprintf("%+v", o); strings.Contains(text, secret) {
			t.Errorf("the outcome shows the secret: %s", text)
		}
	}
}
