package rpc_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// listAll pages through a list and returns the ids of its events, and the number of pages.
func (w *world) listAll(t *testing.T, request *postriderv1.ListEventsRequest) (ids []string, pages int) {
	t.Helper()
	for {
		listed, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(request))
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, event := range listed.Msg.GetEvents() {
			ids = append(ids, event.GetId())
		}
		if (listed.Msg.GetSearchedTime() != nil) != (strings.TrimSpace(request.GetExpression()) != "") {
			t.Errorf("searched to %v for %q", listed.Msg.GetSearchedTime(), request.GetExpression())
		}
		if request.PageToken = listed.Msg.GetNextPageToken(); request.GetPageToken() == "" {
			return ids, pages
		}
	}
}

func TestEventsAreSearchedByExpression(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for n := range 30 {
		ack := w.publish([]string{"order.created", "order.paid"}[n%2], fmt.Sprintf(`{"n":%d}`, n))
		if n%2 == 0 && n >= 10 {
			want = append([]string{ack.GetId()}, want...)
		}
	}
	expression := `event.type == "order.created" && event.data.n >= 10`
	for _, size := range []int32{1, 3, 10, 1000} {
		got, _ := w.listAll(t, &postriderv1.ListEventsRequest{Types: []string{"order.*"}, Expression: expression, PageSize: size})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("by %d: %v, want %v", size, got, want)
		}
	}
	narrowed, _ := w.listAll(t, &postriderv1.ListEventsRequest{Types: []string{"order.paid"}, Expression: expression})
	if len(narrowed) != 0 {
		t.Errorf("of another type: %v", narrowed)
	}
	if got, _ := w.listAll(t, &postriderv1.ListEventsRequest{Expression: " "}); len(got) != 30 {
		t.Errorf("white space selects %d events", len(got))
	}
	bad := w.post("/postrider.v1.EventService/ListEvents", adminKey, `{"expression":"event.typ == 1"}`).error(t)
	if bad.Code != "invalid_argument" || bad.reason() != "INVALID_FILTER" || !strings.Contains(bad.Message, "expression") {
		t.Errorf("a wrong expression: %+v", bad)
	}
}

// One call of a search examines a bounded part of the log, and says how far it has come.
func TestASearchGoesOnPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.publish("order.created", `{"wanted":true}`)
	w.publishEmpty(t, 5_500)
	got, pages := w.listAll(t, &postriderv1.ListEventsRequest{Types: []string{"order.created"}, Expression: `has(event.data.wanted)`})
	if fmt.Sprint(got) != fmt.Sprint([]string{first.GetId()}) || pages != 2 {
		t.Errorf("found %v on %d pages", got, pages)
	}
}

func TestSearchesShareTheBudgetOfTestsOfFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("order.created", `{"s":"`+strings.Repeat("x", 60_000)+`"}`)
	// The result of an evaluation is kept for a while, so each call has another expression.
	search := func(n int) answer {
		return w.post("/postrider.v1.EventService/ListEvents", adminKey, fmt.Sprintf(
			`{"types":["order.created"],"expression":"event.data.s.replace('', event.data.s) != '%d'"}`, n))
	}
	calls := 0
	got := search(calls)
	for ; got.status == http.StatusOK && calls < 1000; calls++ {
		got = search(calls)
	}
	if shown := got.error(t); shown.reason() != "RATE_LIMITED" || calls < 50 || got.header.Get("Retry-After") == "" {
		t.Errorf("after %d calls: %d %s", calls, got.status, got.body)
	}
	if got := w.post("/postrider.v1.EventService/ListEvents", adminKey, `{}`); got.status != http.StatusOK {
		t.Errorf("a list without an expression: %s", got.body)
	}
}

func (w *world) publishEmpty(t *testing.T, count int) {
	t.Helper()
	for count > 0 {
		request := &postriderv1.PublishBatchRequest{}
		for ; len(request.GetEvents()) < 1000 && count > 0; count-- {
			request.Events = append(request.Events, &postriderv1.Event{
				Type: "order.created", Payload: &postriderv1.Event_JsonData{JsonData: `{}`},
			})
		}
		if _, err := w.admin().events.PublishBatch(t.Context(), connect.NewRequest(request)); err != nil {
			t.Fatal(err)
		}
	}
}
