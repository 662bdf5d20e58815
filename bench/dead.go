package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

const (
	// refusing and hanging are the numbers of endpoints that refuse connections, and of those that accept requests and never
	// respond.
	refusing, hanging = 1000, 100
	// hangFor is the timeout of attempts at hanging endpoints.
	hangFor    = 2 * time.Second
	besideRate = 200
)

// besideDeadRows measures a healthy endpoint, and the responses to the publisher, beside dead endpoints and without them.
// Pairs of runs alternate. A measurement begins with the first event after the endpoints have died, which is sent to every
// one of them.
func (b *bench) besideDeadRows() ([]row, error) {
	var with, without besideRun
	for range b.rounds {
		for _, side := range []struct {
			refusing, hanging int
			into              *besideRun
		}{{0, 0, &without}, {refusing, hanging, &with}} {
			err := b.withServer(func(server, sink *process) error {
				return side.into.measure(server, sink, side.refusing, side.hanging, 20*b.unit)
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return []row{
		besideRow("healthy beside 1,100 dead, 200/s", with.delivered, without.delivered, ""),
		besideRow("publisher beside 1,100 dead, 200/s", with.answered, without.answered,
			fmt.Sprintf("; server CPU %d µs an event, %d without", with.cpu.Microseconds(), without.cpu.Microseconds())),
	}, nil
}

func besideRow(name string, with, without []sinkStats, note string) row {
	p50, p99 := medianOf(with, sinkStats.median), medianOf(with, sinkStats.high)
	least50, least99 := medianOf(without, sinkStats.median), medianOf(without, sinkStats.high)
	return row{
		name: name, measured: fmt.Sprintf("p50 %s p99 %s", ms(p50), ms(p99)),
		limit: fmt.Sprintf("p50 %s p99 %s", ms(least50), ms(least99)),
		ratio: fmt.Sprintf("%.2f", p99.Seconds()/least99.Seconds()), target: "1.25, +2 ms",
		note: fmt.Sprintf("ratio of the p99s, %+.1f ms; limit: without the dead ones", (p99-least99).Seconds()*1000) + note,
	}
}

func (s sinkStats) median() time.Duration { return s.p50 }
func (s sinkStats) high() time.Duration   { return s.p99 }

func medianOf(stats []sinkStats, of func(sinkStats) time.Duration) time.Duration {
	values := make([]time.Duration, len(stats))
	for i, one := range stats {
		values[i] = of(one)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// besideRun holds the results of the runs with, or without, dead endpoints.
type besideRun struct {
	delivered, answered []sinkStats
	// cpu is the server's CPU time for each event of the last run.
	cpu time.Duration
}

func (r *besideRun) measure(server, sink *process, refusing, hanging int, d time.Duration) error {
	refuses, hangs := newMortal(), newMortal()
	defer refuses.close()
	defer hangs.close()
	client := subscriptions(server)
	for i := range refusing + hanging {
		m := refuses
		if i >= refusing {
			m = hangs
		}
		if err := subscribeDead(client, m.URL, i); err != nil {
			return err
		}
	}
	if _, err := subscribe(server, sink, "healthy", "now"); err != nil {
		return err
	}
	if err := deliverOne(server, sink, refusing+hanging, refuses, hangs); err != nil {
		return err
	}
	refuses.Close()
	hangs.hang()
	before := server.cpu()
	answered, err := timedLoop(server.address, besideRate, d)
	if err != nil {
		return err
	}
	time.Sleep(200 * time.Millisecond) // for the last deliveries
	delivered, err := readSinkStats(sink.address)
	if err == nil && delivered.samples == 0 {
		err = errors.New("nothing arrived")
	}
	r.delivered, r.answered = append(r.delivered, delivered), append(r.answered, answered)
	r.cpu = (server.cpu() - before) / time.Duration(max(answered.samples, 1))
	return err
}

// deliverOne publishes an event, and waits until every endpoint has received it.
func deliverOne(server, sink *process, dead int, mortals ...*mortal) error {
	if err := fill(server, 1); err != nil {
		return err
	}
	for range 1000 {
		time.Sleep(10 * time.Millisecond)
		delivered, err := readSinkStats(sink.address)
		if err != nil {
			return err
		}
		reached := int64(0)
		for _, m := range mortals {
			reached += m.reached.Load()
		}
		if delivered.received > 0 && reached == int64(dead) {
			time.Sleep(time.Second) // until the results are written
			return nil
		}
	}
	return errors.New("an event has not reached all endpoints within 10 s")
}

// subscribeDead creates a subscription whose endpoint will die.
func subscribeDead(client postriderv1connect.SubscriptionServiceClient, url string, i int) error {
	_, err := client.CreateSubscription(context.Background(), authorized(&postriderv1.CreateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{
			Name: fmt.Sprintf("dead-%d", i), Start: "now",
			Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{
				Webhook: &targetv1.Webhook{Url: url + "/hook"},
			}},
			Policy: &postriderv1.DeliveryPolicy{Timeout: durationpb.New(hangFor)},
		},
	}))
	return err
}

// mortal is an endpoint that works until it is closed, and then refuses connections, or until it hangs.
type mortal struct {
	*httptest.Server
	reached atomic.Int64
	dead    chan struct{}
	end     chan struct{}
}

func newMortal() *mortal {
	m := &mortal{dead: make(chan struct{}), end: make(chan struct{})}
	m.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) {
		m.reached.Add(1)
		select {
		case <-m.dead:
			<-m.end
		default:
		}
	}))
	return m
}

// hang makes the endpoint stop responding.
func (m *mortal) hang() { close(m.dead) }

func (m *mortal) close() {
	close(m.end)
	m.CloseClientConnections()
	m.Close()
}
