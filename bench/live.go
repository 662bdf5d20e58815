package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

const (
	// ahead is the number of events by which the publisher of a saturated row is ahead of the slowest reader. So readers are
	// always busy, and never so far behind that they have to read the log.
	ahead     = 512
	liveBatch = 64
	// pacedClients is the number of clients of the paced and the memory rows. pace is the number of events that they are
	// sent in a second.
	pacedClients = 1000
	pace         = 60
	// replayed is the number of events that are replayed, to replayers clients at once.
	replayed, replayers = 1_000_000, 10
)

// saturated measures the rows of a transport with clients that always have something to read.
func saturated(by transport) func(*bench) ([]row, error) {
	return func(b *bench) (rows []row, err error) {
		for _, clients := range b.clients() {
			r, err := b.saturatedRow(by, clients)
			if err != nil {
				return nil, fmt.Errorf("%d clients: %w", clients, err)
			}
			rows = append(rows, r)
		}
		return rows, nil
	}
}

// overTransports measures a row for each transport.
func overTransports(measure func(*bench, transport) (row, error)) func(*bench) ([]row, error) {
	return func(b *bench) (rows []row, err error) {
		for _, by := range liveTransports {
			r, err := measure(b, by)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", by.name, err)
			}
			rows = append(rows, r)
		}
		return rows, nil
	}
}

// clients returns the numbers of clients of the saturated rows.
func (b *bench) clients() []int {
	if b.short {
		return []int{1, 100}
	}
	return []int{1, 100, 1000, 5000}
}

func (b *bench) many() int {
	if b.short {
		return 100
	}
	return pacedClients
}

// saturatedRow sends events as fast as all clients read them. SSE to many clients is compared with ready-made frames.
func (b *bench) saturatedRow(by transport, clients int) (row, error) {
	r := row{name: fmt.Sprintf("live %s, %d clients", by.name, clients)}
	held := by.name == "SSE" && clients == b.many()
	if held {
		r.target = "≥ 0.70, 1 µs"
	}
	var rates, limits, ratios []float64
	var cpu, limitCPU time.Duration
	for range b.rounds {
		var limit float64
		if held {
			var err error
			if limit, limitCPU, err = framesRate(clients, 0, 3*b.unit); err != nil {
				return row{}, err
			}
		}
		err := b.onServer(func(server *process) error {
			rate, used, err := fanOut(server, by, clients, 5*b.unit)
			rates, limits, ratios, cpu = append(rates, rate), append(limits, limit), append(ratios, rate/max(limit, 1)), used
			return err
		})
		if err != nil {
			return row{}, err
		}
	}
	r.measured = deliveries(median(rates), cpu)
	if held {
		r.limit, r.ratio = deliveries(median(limits), limitCPU), fmt.Sprintf("%.2f", median(ratios))
		r.note = fmt.Sprintf("limit: %d ready-made frames a write", coalesced)
	}
	return r, nil
}

// deliveries formats a rate and the server's CPU time for one delivery.
func deliveries(rate float64, cpu time.Duration) string {
	return fmt.Sprintf("%.0f/s %.2f µs", rate, float64(cpu.Nanoseconds())/1000)
}

// framesRate measures how fast the bare handler serves the same number of clients, at a pace unless that is 0.
func framesRate(clients, perSecond int, d time.Duration) (rate float64, cpu time.Duration, err error) {
	address, err := freeAddress()
	if err != nil {
		return 0, 0, err
	}
	server, err := start(address, nil, "frames", address, strconv.Itoa(clients), strconv.Itoa(perSecond))
	if err != nil {
		return 0, 0, err
	}
	defer server.stop()
	l, err := listen(liveTransports[0], address, "now", clients, nil)
	if err != nil {
		return 0, 0, err
	}
	defer l.close()
	time.Sleep(d / 5)
	return l.rate(server, func() error { time.Sleep(d); return nil })
}

// rate returns how many events a second the listeners read during work, and the server's CPU time for each.
func (l *listeners) rate(server *process, work func() error) (rate float64, cpu time.Duration, err error) {
	first, _ := l.total()
	before, began := server.cpu(), time.Now()
	if err := work(); err != nil {
		return 0, 0, err
	}
	last, _ := l.total()
	if last == first {
		return 0, 0, errors.New("nothing was delivered")
	}
	return float64(last-first) / time.Since(began).Seconds(), (server.cpu() - before) / time.Duration(last-first), nil
}

// fanOut publishes so that every listener always has something to read.
func fanOut(server *process, by transport, clients int, d time.Duration) (rate float64, cpu time.Duration, err error) {
	l, err := listen(by, server.address, "now", clients, nil)
	if err != nil {
		return 0, 0, err
	}
	defer l.close()
	publish := livePublisher(server)
	published := int64(0)
	saturate := func(d time.Duration) error {
		for began := time.Now(); time.Since(began) < d; {
			if _, slowest := l.total(); published-slowest > ahead {
				time.Sleep(100 * time.Microsecond)
				continue
			}
			if err := publish(liveBatch); err != nil {
				return err
			}
			published += liveBatch
		}
		return nil
	}
	if err := saturate(d / 5); err != nil {
		return 0, 0, err
	}
	return l.rate(server, func() error {
		if err := saturate(d); err != nil {
			return err
		}
		return l.await(published, 30*time.Second)
	})
}

// livePublisher returns a function that publishes n events at once.
func livePublisher(server *process) func(n int) error {
	client := postriderv1connect.NewEventServiceClient(http2Client(), "http://"+server.address, connect.WithGRPC())
	return func(n int) error {
		batch := &postriderv1.PublishBatchRequest{Events: make([]*postriderv1.Event, n)}
		for i := range batch.Events {
			batch.Events[i] = &postriderv1.Event{Type: untypedType, Payload: &postriderv1.Event_JsonData{JsonData: liveData}}
		}
		_, err := client.PublishBatch(context.Background(), authorized(batch))
		return err
	}
}

// pacedRow sends events at a steady pace to many clients. SSE is compared with ready-made frames, one at a time.
func (b *bench) pacedRow(by transport) (row, error) {
	r := row{name: fmt.Sprintf("live %s, %d/s to %d clients", by.name, pace, b.many())}
	if by.name == "SSE" {
		_, limit, err := framesRate(b.many(), pace, 5*b.unit)
		if err != nil {
			return r, err
		}
		r.limit, r.target = fmt.Sprintf("%.2f µs", float64(limit.Nanoseconds())/1000), "≤ 8 µs"
	}
	err := b.onServer(func(server *process) error {
		latencies, cpu, err := trickle(server, by, b.many(), 10*b.unit)
		r.measured = percentiles(latencies)
		r.note = fmt.Sprintf("from publish to read; %.2f µs of the server's CPU a delivery", float64(cpu.Nanoseconds())/1000)
		return err
	})
	return r, err
}

func trickle(server *process, by transport, clients int, d time.Duration) (all []time.Duration, cpu time.Duration, err error) {
	events := max(1, int(d.Seconds()*pace))
	sent := make([]atomic.Int64, events)
	taken := make([][]time.Duration, clients)
	l, err := listen(by, server.address, "now", clients, func(i int, from, to int64) {
		now := time.Now().UnixNano()
		for k := from; k < to && k < int64(events); k++ {
			taken[i] = append(taken[i], time.Duration(now-sent[k].Load()))
		}
	})
	if err != nil {
		return nil, 0, err
	}
	before, began := server.cpu(), time.Now()
	publish := livePublisher(server)
	for k := range events {
		time.Sleep(time.Until(began.Add(time.Duration(k) * time.Second / pace)))
		sent[k].Store(time.Now().UnixNano())
		if err = publish(1); err != nil {
			break
		}
	}
	if err == nil {
		err = l.await(int64(events), 30*time.Second)
	}
	cpu = (server.cpu() - before) / time.Duration(events*clients)
	l.close()
	for _, one := range taken {
		all = append(all, one...)
	}
	return all, cpu, err
}

// idleRow measures by how much the server's heap and stacks grow for each client that waits.
func (b *bench) idleRow(by transport) (row, error) {
	r := row{name: fmt.Sprintf("memory of an idle %s client", by.name), target: "≤ 25 KB"}
	if by.name == "Connect" {
		r.target = "≤ 60 KB"
	}
	err := b.onServer(func(server *process) error {
		before, err := server.memory()
		if err != nil {
			return err
		}
		l, err := listen(by, server.address, "now", b.many(), nil)
		if err != nil {
			return err
		}
		defer l.close()
		after, err := server.memory()
		r.measured = fmt.Sprintf("%.1f KB", float64(after-before)/float64(b.many())/1000)
		r.note = fmt.Sprintf("heap and stacks in use, %d clients with a connection each", b.many())
		return err
	})
	return r, err
}

// replayRows replays the stored events to some clients at once while new events are published.
func (b *bench) replayRows() ([]row, error) {
	events := replayed
	if b.short {
		events = 5_000
	}
	r := row{name: fmt.Sprintf("replay of %d events to %d clients", events, replayers)}
	err := b.onServer(func(server *process) error {
		publish := livePublisher(server)
		for stored := 0; stored < events; stored += 1000 {
			if err := publish(1000); err != nil {
				return err
			}
		}
		return replay(server, publish, events, &r)
	})
	return []row{r}, err
}

func replay(server *process, publish func(int) error, events int, r *row) error {
	stop, fault := make(chan struct{}), make(chan error, 1)
	var live sync.WaitGroup
	live.Go(func() { fault <- publishPaced(publish, stop) })
	before, began := server.cpu(), time.Now()
	l, err := listen(liveTransports[0], server.address, "earliest", replayers, nil)
	if err == nil {
		err = l.await(int64(events), 10*time.Minute)
		l.close()
	}
	took, used := time.Since(began), server.cpu()-before
	close(stop)
	live.Wait()
	n := float64(events * replayers)
	r.measured = deliveries(n/took.Seconds(), used/time.Duration(events*replayers))
	r.note = fmt.Sprintf("SSE; %s for all, with %d new events a second", took.Round(10*time.Millisecond), pace)
	return errors.Join(err, <-fault)
}

func publishPaced(publish func(int) error, stop <-chan struct{}) error {
	tick := time.NewTicker(time.Second / pace)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
			if err := publish(1); err != nil {
				return err
			}
		}
	}
}

// memory returns the memory that the process has in use, after a collection.
func (p *process) memory() (int64, error) {
	response, err := http.Get("http://" + p.side + "/memory")
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var bytes int64
	_, err = fmt.Fscan(response.Body, &bytes)
	return bytes, err
}
