package stats_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stats"
)

// The two are what the store's writer does for each commit and for each attempt.

func BenchmarkPublished(b *testing.B) {
	recorder := stats.New(stats.Config{})
	group := make([]*gateway.Event, 64)
	for i := range group {
		group[i] = &gateway.Event{Tenant: 1, Type: fmt.Sprintf("shop.v1.OrderCreated%d", i%8), Position: gateway.Position(i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		recorder.Published(group)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(group)), "ns/event")
}

func BenchmarkSettled(b *testing.B) {
	recorder := stats.New(stats.Config{})
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		recorder.Settled(gateway.DeliverySettled{
			Tenant: 1, Subscription: gateway.SubscriptionID(i % 50), Attempted: true, Delivered: true,
			Latency: time.Duration(i%5000) * 10 * time.Microsecond,
		})
	}
}
