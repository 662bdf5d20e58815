package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
)

// sentTo returns the record of an attempt that was sent to a URL.
func sentTo(t testing.TB, url string) gateway.Sent {
	t.Helper()
	form, err := gateway.NewRequestForm("POST", url, []gateway.RequestHeader{{Name: "Webhook-Signature", Fill: gateway.FillSignature}})
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Sent{
		Digest: form.Digest(), Form: form, Transmitted: true, BodyBytes: 300, Body: gateway.DigestOf([]byte(url)), Signature: "v1,abc",
	}
}

func newDelivery(sub *gateway.Subscription) *gateway.Delivery {
	return &gateway.Delivery{
		DeliveryKey: gateway.DeliveryKey{Subscription: sub.ID, Position: 1}, Tenant: sub.Tenant, State: gateway.DeliveryRetrying,
	}
}

// attempt records the next attempt of a delivery, made under a revision of its subscription.
func (w *served) attempt(d *gateway.Delivery, revision int64, sent gateway.Sent) {
	w.t.Helper()
	previous := d.Last
	d.Attempts++
	d.Last = &gateway.Attempt{
		Number: d.Attempts, Cause: gateway.CauseRetry, Start: time.Unix(1_700_000_000, 0),
		Outcome: gateway.Outcome{Kind: gateway.OutcomeEventFailure, Status: 400, Sent: sent},
	}
	row, done := *d, make(chan struct{})
	w.Record(store.Result{Delivery: &row, Previous: previous, Revision: revision, Committed: func() { close(done) }})
	<-done
}

// sent returns what is stored of the requests of a delivery's attempts: the URL, and whether the whole request is known.
func (w *served) sent(d *gateway.Delivery) (sent []string) {
	w.t.Helper()
	stored, err := w.Delivery(context.Background(), d.Tenant, d.DeliveryKey)
	if err != nil {
		w.t.Fatal(err)
	}
	attempts, err := w.Attempts(context.Background(), stored, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range attempts {
		sent = append(sent, textOf(a.Outcome.Sent))
	}
	return sent
}

func textOf(sent gateway.Sent) string {
	switch {
	case sent.Form == nil:
		return "unknown"
	case !sent.Transmitted:
		return sent.Form.URL + " not transmitted"
	default:
		whole := sent.BodyBytes == 300 && sent.Signature == "v1,abc" && sent.Body == gateway.DigestOf([]byte(sent.Form.URL)) &&
			len(sent.Form.Headers) == 1 && sent.Form.Headers[0].Fill == gateway.FillSignature
		return fmt.Sprint(sent.Form.URL, " ", whole)
	}
}

func expectSent(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestAttemptsKeepWhatTheySent changes the target back and forth between attempts, with a restart in between.
func TestAttemptsKeepWhatTheySent(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		one, two := sentTo(t, "https://one.example/?token=sesame"), sentTo(t, "https://two.example/")
		w := serve(t, cfg)
		w.publish("a")
		d := newDelivery(w.subscribe())
		w.attempt(d, 1, gateway.Sent{}) // as an earlier version did
		w.attempt(d, 1, one)
		w.attempt(d, 2, two)
		w.stop()
		w = serve(t, cfg)
		w.attempt(d, 3, one)
		w.attempt(d, 4, gateway.Sent{Digest: two.Digest, Form: two.Form})
		w.attempt(d, 4, two)
		expectSent(t, w.sent(d), "unknown", "https://one.example/?token=sesame true", "https://two.example/ true",
			"https://one.example/?token=sesame true", "https://two.example/ not transmitted", "https://two.example/ true")
		if n := count(t, raw(t, cfg), "select count(*) from request_form where revision in (3, 4)"); n != 2 {
			t.Errorf("%d forms are known as used under the newest revisions, want 2", n)
		}
	})
}

// TestTheFormsOfRequestsAreBounded expects the newest forms to be kept, and no form of a deleted subscription.
func TestTheFormsOfRequestsAreBounded(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		w := serve(t, cfg)
		w.publish("a")
		other := newDelivery(w.subscribe(func(s *gateway.Subscription) { s.Name = "other" }))
		w.attempt(other, 1, sentTo(t, "https://other.example/"))
		sub := w.subscribe()
		d := newDelivery(sub)
		for i := range 40 {
			w.attempt(d, int64(i+1), sentTo(t, fmt.Sprintf("https://%d.example/", i)))
		}
		w.attempt(d, 2, sentTo(t, "https://late.example/")) // an attempt that began long ago
		sent := w.sent(d)
		if sent[0] != "unknown" || sent[7] != "unknown" || sent[8] != "https://8.example/ true" || sent[40] != "unknown" {
			t.Errorf("sent %q", sent)
		}
		forms := "select count(*) from request_form"
		if n := count(t, raw(t, cfg), forms); n != 33 {
			t.Errorf("%d forms, want 33", n)
		}
		if err := w.DeleteSubscription(context.Background(), sub.ID, 0); err != nil {
			t.Fatal(err)
		}
		w.attempt(d, 41, sentTo(t, "https://after.example/"))
		if n := count(t, raw(t, cfg), forms); n != 1 {
			t.Errorf("%d forms after the subscription was deleted, want 1", n)
		}
		expectSent(t, w.sent(other), "https://other.example/ true")
	})
}

// TestFormsThatCannotBeOpenedStopNothing changes the key, and removes the old key once the subscription is sealed with the
// new one.
func TestFormsThatCannotBeOpenedStopNothing(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	w := serve(t, cfg)
	w.publish("a")
	sub := w.subscribe()
	d := newDelivery(sub)
	w.attempt(d, 1, sentTo(t, "https://one.example/?token=sesame"))
	w.stop()
	file, err := os.ReadFile(filepath.Join(cfg.Data, "postrider.db"))
	if err != nil || bytes.Contains(file, []byte("sesame")) {
		t.Errorf("the URL is in the clear in the database, %v", err)
	}
	const old, fresh = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	for _, keys := range []string{fresh + "," + old, fresh} {
		if cfg.Keyring, err = seal.ParseKeyring(keys); err != nil {
			t.Fatal(err)
		}
		w = serve(t, cfg)
		if keys == fresh {
			expectSent(t, w.sent(d), "unknown")
			break
		}
		expectSent(t, w.sent(d), "https://one.example/?token=sesame true")
		if _, _, err := w.UpdateSubscription(context.Background(), sub.ID, 0, func(*gateway.Subscription) error { return nil }); err != nil {
			t.Fatal(err)
		}
		w.stop()
	}
}

// TestAFormIsWrittenAgainAfterAFailedCommit lets the commit fail that would have stored the form.
func TestAFormIsWrittenAgainAfterAFailedCommit(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	w := serve(t, cfg)
	w.publish("a")
	d := newDelivery(w.subscribe())
	db := raw(t, cfg)
	execute(t, db, "create trigger refuse before insert on delivery begin select raise(abort, 'refused'); end")
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		w.attempt(d, 1, sentTo(t, "https://one.example/"))
	}()
	for n := 0; w.tryPublish(fmt.Sprint("b", n), 100) == nil; n++ {
		// Repeat until one commit has both the event and the result.
	}
	execute(t, db, "drop trigger refuse")
	<-recorded
	expectSent(t, w.sent(d), "https://one.example/ true")
}
