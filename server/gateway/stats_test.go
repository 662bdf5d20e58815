package gateway_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestStatsResolution(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := []struct{ span, want time.Duration }{
		{time.Minute, time.Second},
		{400 * time.Second, time.Second},
		{401 * time.Second, 15 * time.Second},
		{time.Hour, 15 * time.Second},
		{100 * time.Minute, 15 * time.Second},
		{101 * time.Minute, 5 * time.Minute},
		{day, 5 * time.Minute},
		{2 * day, time.Hour},
		{gateway.MaxStatsSpan, time.Hour},
	}
	for _, test := range tests {
		got := gateway.StatsResolution(test.span)
		if got != test.want {
			t.Errorf("%v: %v, want %v", test.span, got, test.want)
		}
		if test.span/got > gateway.MaxStatsPoints {
			t.Errorf("%v has %d points", test.span, test.span/got)
		}
	}
}

func TestTopSubscriptions(t *testing.T) {
	t.Parallel()
	var all []gateway.SubscriptionStats
	for i := range 300 {
		s := gateway.SubscriptionStats{ID: gateway.SubscriptionID(i + 1)}
		switch {
		case i < 100:
			s.Delivered = int64(1000 + i)
		case i < 200:
			s.Failed = int64(i)
		case i < 250:
			s.Backlog.Waiting = int64(i)
		}
		all = append(all, s)
	}
	top := gateway.TopSubscriptions(all)
	if len(top) != 60 {
		t.Fatalf("%d are shown", len(top))
	}
	if top[0].ID != 100 || top[19].ID != 81 || top[20].ID != 200 || top[39].ID != 181 {
		t.Errorf("busiest first: %d, %d, %d, %d", top[0].ID, top[19].ID, top[20].ID, top[39].ID)
	}
	for _, s := range top[40:] {
		if s.Backlog.Waiting < 230 {
			t.Errorf("subscription %d with %d waiting is shown", s.ID, s.Backlog.Waiting)
		}
	}
	if quiet := gateway.TopSubscriptions(make([]gateway.SubscriptionStats, 5)); len(quiet) != 0 {
		t.Errorf("%d of which there is nothing to tell are shown", len(quiet))
	}
}

func TestTopEventTypes(t *testing.T) {
	t.Parallel()
	var all []gateway.EventTypeStats
	for i := range 30 {
		all = append(all, gateway.EventTypeStats{Type: fmt.Sprintf("type%02d", i), Published: int64(i / 2)})
	}
	top := gateway.TopEventTypes(all)
	if len(top) != 20 || top[0].Type != "type28" || top[1].Type != "type29" || top[19].Type != "type11" {
		t.Errorf("%v", top)
	}
}

func TestTopFailures(t *testing.T) {
	t.Parallel()
	failed := func(sub gateway.SubscriptionID, kind gateway.FailureKind, status int, n int64) gateway.FailureStats {
		return gateway.FailureStats{Subscription: sub, Reason: gateway.FailureReason{Kind: kind, Status: status}, Failed: n}
	}
	all := []gateway.FailureStats{
		failed(2, gateway.FailureRefused, 400, 5), failed(1, gateway.FailureServer, 500, 5), failed(1, gateway.FailureRefused, 404, 5),
		failed(1, gateway.FailureRefused, 400, 5), failed(3, gateway.FailureTimeout, 0, 9),
	}
	want := []gateway.FailureStats{all[4], all[3], all[2], all[1], all[0]}
	for i := range 30 {
		all = append(all, failed(gateway.SubscriptionID(10+i), gateway.FailureDNS, 0, 1))
	}
	top := gateway.TopFailures(all)
	if len(top) != 20 || !slices.Equal(top[:5], want) {
		t.Errorf("%v", top)
	}
}
