package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter/metertest"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

// What an event of 600 kB may take from its publish until a stream with a costly expression is past it: the matcher tries
// the expression, the reader evaluates it, and another stream gets the event.
const (
	maxMemory    = 96 << 20
	maxProcessor = 2 * time.Second
)

// No expression of a live stream takes more than the budget of an event, ends the stream, or keeps the event from others.
func TestCostlyExpressionsOfStreamsAreBounded(t *testing.T) {
	payload := string(metertest.Payload())
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		for _, row := range metertest.Expressions() {
			if row.Filter == "" {
				continue
			}
			costly := w.subscribeTo(gateway.Start{}, gateway.Filter{Expression: row.Filter})
			beside := w.subscribeTo(gateway.Start{}, gateway.Filter{Expression: `event.id != ""`})
			costly.next(t) // Both have begun.
			beside.next(t)
			t.Log(row.Name)
			metertest.Bounded(t, maxMemory, maxProcessor, func() {
				published := w.publishData("costly", 1, payload)
				if got := beside.event(t).Position; got != published {
					t.Errorf("%s: beside it: got %d, want %d", row.Name, got, published)
				}
				for costly.next(t).Cursor.Position < published {
				}
			})
			for _, one := range []*reader{costly, beside} {
				one.cancel(context.Canceled)
				if err := <-one.ended; !errors.Is(err, context.Canceled) {
					t.Errorf("%s: the stream ended with %v", row.Name, err)
				}
			}
		}
	})
}

// A payload of more than a few kilobytes was read anew for each filter of each stream, by the matcher while the streams of all
// tenants waited, and by each reader that caught up.
func TestALargePayloadIsReadOnceForTheFiltersOfStreams(t *testing.T) {
	payload := string(metertest.Payload())
	var filters []stream.Filter
	for i := range stream.MaxFilters {
		filters = append(filters, stream.Filter{
			Name: fmt.Sprint(i), Filter: gateway.Filter{Expression: fmt.Sprintf(`event.data.t == "%d"`, i)},
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		w.publishData("large", 1, `{}`)
		live := w.open(stream.Request{Filters: filters})
		live.next(t) // It has begun.
		var published gateway.Position
		metertest.Bounded(t, maxMemory, maxProcessor, func() {
			published = w.publishData("large", 1, payload)
			for live.next(t).Cursor.Position < published {
			}
		})
		live.cancel(context.Canceled)
		<-live.ended
		metertest.Bounded(t, maxMemory, maxProcessor, func() {
			late := w.open(stream.Request{Filters: filters, Start: gateway.Start{Kind: gateway.StartEarliest}})
			for late.next(t).Cursor.Position < published {
			}
			late.cancel(context.Canceled)
			<-late.ended
		})
		metertest.Bounded(t, maxMemory, maxProcessor, func() {
			var all []*reader
			for _, one := range filters {
				all = append(all, w.open(stream.Request{Filters: []stream.Filter{one}, Start: gateway.Start{Kind: gateway.StartEarliest}}))
			}
			for _, late := range all {
				for late.next(t).Cursor.Position < published {
				}
				late.cancel(context.Canceled)
				<-late.ended
			}
		})
	})
}
