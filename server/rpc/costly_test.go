package rpc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/meter/metertest"
)

// What an event of 600 kB may take in a whole server: from its publish until a stream is past it, or in a test of a filter.
const (
	maxMemory    = 128 << 20
	maxProcessor = 4 * time.Second
)

// eachCostly runs a test with the expression of each row of the table.
func eachCostly(t *testing.T, run func(t *testing.T, expression string)) {
	t.Helper()
	for _, row := range metertest.Expressions() {
		if row.Filter != "" {
			t.Run(row.Name, func(t *testing.T) { run(t, row.Filter) })
		}
	}
}

// Who has a ticket has no key. No expression of its streams takes more than the budget of an event, whether the ticket
// brings it or its holder.
func TestCostlyExpressionsOfTicketsAreBounded(t *testing.T) {
	w := newWorld(t)
	payload := string(metertest.Payload())
	open := w.ticket(adminKey, `{}`)
	eachCostly(t, func(t *testing.T, expression string) {
		made := &postriderv1.CreateStreamTicketRequest{Types: []string{"costly"}, Expression: expression}
		response, err := w.admin().events.CreateStreamTicket(t.Context(), connect.NewRequest(made))
		if err != nil {
			t.Fatal(err)
		}
		streams := []*eventSource{
			w.listen(http.DefaultClient, "", "heartbeat=100ms&ticket="+response.Msg.GetTicket()),
			w.listen(http.DefaultClient, "", "heartbeat=100ms&types=costly&expression="+url.QueryEscape(expression)+"&"+open),
		}
		for _, one := range streams {
			one.expect("begin")
		}
		metertest.Bounded(t, maxMemory, maxProcessor, func() {
			published := w.publish("costly", payload)
			for _, one := range streams {
				for one.last != published.GetCursor() {
					if got, ok := one.next(); !ok || got.name == "end" {
						t.Fatalf("the stream ended: %+v", got)
					}
				}
			}
		})
		for _, one := range streams {
			one.cancel()
		}
	})
}

// A test of a filter says of each costly expression what its streams and subscriptions would say.
func TestCostlyExpressionsInTestFilterAreBounded(t *testing.T) {
	w := newWorld(t)
	w.publish("costly", string(metertest.Payload()))
	over := 0
	eachCostly(t, func(t *testing.T, expression string) {
		var response *connect.Response[postriderv1.TestFilterResponse]
		metertest.Bounded(t, maxMemory, maxProcessor, func() {
			var err error
			response, err = w.admin().subscriptions.TestFilter(t.Context(), connect.NewRequest(&postriderv1.TestFilterRequest{
				Filter: &postriderv1.Filter{Types: []string{"costly"}, Expression: expression},
			}))
			if err != nil {
				t.Fatal(err)
			}
		})
		results := response.Msg.GetResults()
		if len(results) != 1 || results[0].GetMatched() == (results[0].GetReason() != "") {
			t.Fatalf("got %v", results)
		}
		if strings.Contains(results[0].GetReason(), "takes too long") {
			over++
		}
	})
	if over < 50 {
		t.Errorf("only %d went over the budget", over)
	}
}
