package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// loadTypes are the event types of the load, and how often each comes in ten.
var loadTypes = []string{
	"order.created", "order.paid", "order.paid",
	"stock.moved", "stock.moved", "stock.moved", "stock.moved", "stock.counted", "stock.counted", "page.viewed",
}

const (
	publishTimeout = 5 * time.Second
	retryPause     = 20 * time.Millisecond
)

// load is publishers that keep publishing, and what was acknowledged to them.
type load struct {
	client *client
	// pause is the longest one publisher waits between two requests; padding the longest text in an event.
	pause   time.Duration
	padding int

	mu    sync.Mutex
	acked []published
	// repeated counts acknowledgements of events that an earlier try had stored, retried the tries without an answer.
	repeated, retried int
	// refused is the first answer that a retry cannot cure.
	refused error
}

// published is one acknowledged event.
type published struct{ id, eventType, data string }

// run publishes with n publishers until stop is closed; each goes on until its last request is acknowledged, so that in
// the end no outcome is unknown. The end of the context is for a test that has failed.
func (l *load) run(ctx context.Context, stop <-chan struct{}, seed uint64, n int) {
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { l.publisher(ctx, stop, newRandom(seed, 1000+i), fmt.Sprintf("p%02d", i)) })
	}
	running.Wait()
}

func (l *load) publisher(ctx context.Context, stop <-chan struct{}, random *rand.Rand, name string) {
	for sequence := 0; ; {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(random.Int64N(int64(l.pause)))):
		}
		batch := l.batch(random, name, sequence)
		sequence += len(batch)
		if !l.publish(ctx, batch) {
			return
		}
	}
}

// batch makes the next request's events: one in three requests carries several.
func (l *load) batch(random *rand.Rand, name string, sequence int) []*postriderv1.Event {
	size := 1
	if random.IntN(3) == 0 {
		size = 2 + random.IntN(9)
	}
	events := make([]*postriderv1.Event, size)
	for i := range events {
		data := fmt.Sprintf(`{"n":%d,"amount":9007199254740993,"text":%q}`, sequence+i, strings.Repeat("x", random.IntN(l.padding)))
		events[i] = untyped(fmt.Sprintf("%s-%06d", name, sequence+i), loadTypes[random.IntN(len(loadTypes))], data)
	}
	return events
}

// publish publishes with the same ids until it is acknowledged. It returns false when that will never be.
func (l *load) publish(ctx context.Context, events []*postriderv1.Event) bool {
	for ctx.Err() == nil {
		results, err := l.try(ctx, events)
		if err == nil {
			l.acknowledged(events, results)
			return true
		}
		if !l.unknown(err) {
			return false
		}
		pause(ctx, retryPause)
	}
	return false
}

func (l *load) try(ctx context.Context, events []*postriderv1.Event) ([]*postriderv1.PublishResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if len(events) == 1 {
		response, err := l.client.events.Publish(ctx, connect.NewRequest(&postriderv1.PublishRequest{Event: events[0]}))
		if err != nil {
			return nil, err
		}
		return []*postriderv1.PublishResponse{response.Msg}, nil
	}
	response, err := l.client.events.PublishBatch(ctx, connect.NewRequest(&postriderv1.PublishBatchRequest{Events: events}))
	if err != nil {
		return nil, err
	}
	return response.Msg.GetResults(), nil
}

// unknown reports whether the error leaves open what happened, as the end of a connection does.
func (l *load) unknown(err error) bool {
	lost := []connect.Code{
		connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeCanceled, connect.CodeAborted,
		connect.CodeResourceExhausted,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// An error that no server sent is the client's own: the connection ended.
	if slices.Contains(lost, connect.CodeOf(err)) || !connect.IsWireError(err) {
		l.retried++
		return true
	}
	if l.refused == nil {
		l.refused = err
	}
	return false
}

func (l *load) acknowledged(events []*postriderv1.Event, results []*postriderv1.PublishResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(results) != len(events) {
		l.refused = fmt.Errorf("%d results for %d events", len(results), len(events))
		return
	}
	for i, event := range events {
		if results[i].GetId() != event.GetId() {
			l.refused = fmt.Errorf("id %s was acknowledged as %s", event.GetId(), results[i].GetId())
		}
		if results[i].GetDuplicate() {
			l.repeated++
		}
		l.acked = append(l.acked, published{event.GetId(), event.GetType(), event.GetJsonData()})
	}
}

// snapshot returns what is acknowledged so far, and the first refusal.
func (l *load) snapshot() ([]published, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acked), l.refused
}

// idsOf returns the ids of those events that match one of the patterns.
func idsOf(events []published, patterns ...string) (ids []string) {
	for _, event := range events {
		for _, pattern := range patterns {
			prefix, isPrefix := strings.CutSuffix(pattern, "*")
			if event.eventType == pattern || isPrefix && strings.HasPrefix(event.eventType, prefix) {
				ids = append(ids, event.id)
				break
			}
		}
	}
	return ids
}
