package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var identityCases = []testCase{
	{"a repeat answers the first ack", testRepeat},
	{"every place of a conflict or repeat", testIdentityTable},
	{"an id is of one tenant", testIdentityPerTenant},
	{"an id made by the server can be repeated by a client", testServerIDRepeated},
	{"a conflict names what is stored", testConflictDetails},
	{"a conflict leaves the group's results and other requests alone", testConflictWithResults},
	{"a publish cancelled in the queue is not stored", testCancelledInQueue},
	{"a publish cancelled after its commit is a duplicate when repeated", testCancelledAfterCommit},
	{"a duplicate of an id of the group waits for the commit", testDuplicateAfterCommit},
	{"ids are remembered across restarts and many to a request", testIdentityMany},
}

func testRepeat(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(2)
	first := w.publish(w.event("same"))[0]
	for range 3 {
		equal(t, "repeat", w.publish(w.event("same"))[0], store.Appended{Position: first.Position, Duplicate: true})
	}
	equal(t, "head", w.Head(), 3)
	equal(t, "next", w.publish(w.event("other"))[0], store.Appended{Position: 4})
}

// testIdentityTable queues requests that make one group. An event is written as id or id=content. What each request is
// answered is written the same way: positions, "d" for a duplicate, or the index of the conflict.
func testIdentityTable(t *testing.T, fresh Fresh) {
	tests := []struct {
		name   string
		stored []string
		group  [][]string
		want   []string
	}{
		{"repeat in the request", nil, [][]string{{"x", "y", "x"}}, []string{"1 2 1d"}},
		{"conflict in the request", nil, [][]string{{"x", "x=2"}, {"y"}}, []string{"conflict 1", "1"}},
		{"repeat in the group", nil, [][]string{{"x"}, {"x"}, {"y", "x"}}, []string{"1", "1d", "2 1d"}},
		{"conflict in the group", nil, [][]string{{"x"}, {"y", "x=2"}, {"z"}}, []string{"1", "conflict 1", "2"}},
		{"repeat of the table", []string{"x"}, [][]string{{"x"}, {"y"}, {"y", "x"}}, []string{"1d", "2", "2d 1d"}},
		{"conflict with the table", []string{"x"}, [][]string{{"a"}, {"x=2", "b"}, {"b"}}, []string{"2", "conflict 0", "3"}},
		{
			"the first of the group conflicts with the table, the second is what is stored",
			[]string{"x"},
			[][]string{{"x=2"}, {"x"}},
			[]string{"conflict 0", "1d"},
		},
		{
			"the first conflicts with the table and the second with both",
			[]string{"x"},
			[][]string{{"x=2"}, {"x=3"}, {"y"}},
			[]string{"conflict 0", "conflict 0", "2"},
		},
		{
			"a failed request claims no id for those behind it",
			[]string{"x"},
			[][]string{{"y", "x=2"}, {"y=2"}, {"y=2"}, {"y"}},
			[]string{"conflict 1", "2", "2d", "conflict 0"},
		},
		{
			"a request that repeats one that then fails is stored itself",
			[]string{"x"},
			[][]string{{"y", "x=2"}, {"y"}},
			[]string{"conflict 1", "2"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := running(t, fresh)
			for _, text := range test.stored {
				w.publish(w.written(text))
			}
			w.stop()
			w.open()
			var waiting []*pending
			for _, request := range test.group {
				var events []store.NewEvent
				for _, text := range request {
					events = append(events, w.written(text))
				}
				waiting = append(waiting, w.queue(context.Background(), events...))
			}
			w.start()
			for i, p := range waiting {
				equal(t, fmt.Sprintf("answer %d", i), answerText(p.wait()), test.want[i])
			}
		})
	}
}

func (w *world) written(text string) store.NewEvent {
	for i := range text {
		if text[i] == '=' {
			return w.event(text[:i], content(text[i+1:]))
		}
	}
	return w.event(text)
}

func answerText(acks []store.Appended, err error) string {
	var conflict *store.ConflictError
	if errors.As(err, &conflict) {
		return fmt.Sprint("conflict ", conflict.Index)
	}
	if err != nil {
		return err.Error()
	}
	text := ""
	for i, a := range acks {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprint(a.Position)
		if a.Duplicate {
			text += "d"
		}
	}
	return text
}

func testIdentityPerTenant(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	other := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t)
	w.publish(w.event("same"))
	ack := w.publish(w.event("same", content("other"), func(e *gateway.Event) { e.Tenant = other.ID }))[0]
	equal(t, "ack", ack, store.Appended{Position: 2})
	equal(t, "position", must(w.EventByID(context.Background(), other.ID, "same"))(t).Position, 2)
	equal(t, "position", must(w.EventByID(context.Background(), w.tenantID(), "same"))(t).Position, 1)
}

func testServerIDRepeated(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	made := w.event("evt_made")
	made.ClientID = false
	a := w.queue(context.Background(), made)
	b := w.queue(context.Background(), w.event("evt_made"))
	c := w.queue(context.Background(), w.event("evt_made", content("other")))
	w.start()
	equal(t, "first", answerText(a.wait()), "1")
	equal(t, "repeat in the group", answerText(b.wait()), "1d")
	equal(t, "conflict in the group", answerText(c.wait()), "conflict 0")
	equal(t, "repeat", answerText(w.Append(context.Background(), 0, []store.NewEvent{w.event("evt_made")})), "1d")
}

func testConflictDetails(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	version := registered(w, "shop.v1.Order").Types["shop.v1.Order"].Latest().ID
	typed := func(e *gateway.Event) { e.Schema = version }
	first := w.event("same", typed)
	w.publish(w.event("before"), first)
	_, err := w.Append(context.Background(), w.RegistryRevision(), []store.NewEvent{w.event("x"), w.event("same", typed, content("other"))})
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("error = %v, want a conflict", err)
	}
	equal(t, "conflict", *conflict, store.ConflictError{
		Index: 1, ID: "same", StoredHash: first.Hash, StoredSchema: version,
	})
}

func testConflictWithResults(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publish(w.event("taken"))
	sub := w.subscribe("billing", gateway.Start{})
	w.stop()
	w.open()
	ctx := context.Background()
	a, b := w.queue(ctx, w.event("taken", content("other"))), w.queue(ctx, w.event("fine"))
	done := make(chan struct{})
	w.Record(store.Result{Delivery: delivered(sub, 1), Mark: 1, Committed: func() { close(done) }})
	w.start()
	equal(t, "conflict", answerText(a.wait()), "conflict 0")
	equal(t, "other", answerText(b.wait()), "2")
	<-done
	equal(t, "mark", w.mark(), 1)
	equal(t, "state", must(w.Delivery(ctx, sub.Tenant, delivered(sub, 1).DeliveryKey))(t).State, gateway.DeliveryDelivered)
}

func testCancelledInQueue(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	ctx, cancel := context.WithCancel(context.Background())
	p := w.queue(ctx, w.event("gone"))
	q := w.queue(context.Background(), w.event("stays"))
	cancel()
	if _, err := p.wait(); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v, want cancelled", err)
	}
	w.start()
	equal(t, "neighbour", answerText(q.wait()), "1")
	equal(t, "again", w.publish(w.event("gone"))[0], store.Appended{Position: 2})
}

func testCancelledAfterCommit(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	committed, goOn := make(chan struct{}), make(chan struct{})
	w.onCommit = func(events []*gateway.Event) {
		if events[0].ID == "unsure" {
			close(committed)
			<-goOn
		}
	}
	w.start()
	ctx, cancel := context.WithCancel(context.Background())
	p := w.queue(ctx, w.event("unsure"))
	<-committed
	cancel()
	_, err := p.wait()
	close(goOn)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v, want cancelled", err)
	}
	equal(t, "again", w.publish(w.event("unsure"))[0], store.Appended{Position: 1, Duplicate: true})
}

func testDuplicateAfterCommit(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	committed, goOn := make(chan struct{}), make(chan struct{})
	w.onCommit = func([]*gateway.Event) {
		close(committed)
		<-goOn
	}
	first := w.queue(context.Background(), w.event("same"))
	repeat := w.queue(context.Background(), w.event("same"))
	w.start()
	<-committed
	select {
	case <-repeat.done:
		t.Error("the repeat was answered before the first one's commit was")
	case <-first.done:
		t.Error("the first was answered before the tail was told")
	default:
	}
	close(goOn)
	equal(t, "first", answerText(first.wait()), "1")
	equal(t, "repeat", answerText(repeat.wait()), "1d")
}

func testIdentityMany(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	batch := func(from, n int) (events []store.NewEvent) {
		for i := range n {
			events = append(events, w.event(fmt.Sprint("evt_", from+i)))
		}
		return events
	}
	w.publish(batch(0, 1000)...)
	w.restart()
	for i, a := range w.publish(batch(500, 1000)...) {
		want := store.Appended{Position: gateway.Position(501 + i), Duplicate: i < 500}
		equal(t, "ack", a, want)
	}
	equal(t, "head", w.Head(), 1500)
}
