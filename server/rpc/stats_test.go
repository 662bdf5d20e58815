package rpc_test

import (
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server"
)

// statsPage is what a page makes of a watch of statistics.
type statsPage struct {
	*connect.ServerStreamForClient[postriderv1.StatsServiceWatchResponse]
	t          *testing.T
	resolution time.Duration
	points     map[int64]*postriderv1.StatsPoint
	tables     *postriderv1.StatsTables
}

// stats opens a page and reads its snapshot.
func (w *world) stats(key string, request *postriderv1.StatsServiceWatchRequest) *statsPage {
	w.t.Helper()
	client := postriderv1connect.NewStatsServiceClient(&http.Client{Transport: &withKey{key, http.DefaultTransport}}, w.url)
	stream, err := client.Watch(soon(w.t), connect.NewRequest(request))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = stream.Close() })
	p := &statsPage{ServerStreamForClient: stream, t: w.t, points: map[int64]*postriderv1.StatsPoint{}}
	if !p.Receive() || p.Msg().GetSnapshot() == nil {
		w.t.Fatalf("the first message is %v: %v", p.Msg(), p.Err())
	}
	snapshot := p.Msg().GetSnapshot()
	p.resolution, p.tables = snapshot.GetResolution().AsDuration(), snapshot.GetTables()
	p.take(snapshot.GetPoints())
	if !p.Receive() || p.Msg().GetSnapshotEnd() == nil {
		w.t.Fatalf("the second message is %v: %v", p.Msg(), p.Err())
	}
	return p
}

func (p *statsPage) take(points []*postriderv1.StatsPoint) {
	for _, point := range points {
		p.points[point.GetStartTime().GetSeconds()] = point
	}
}

// until takes changes in until something is so.
func (p *statsPage) until(what string, reached func() bool) {
	p.t.Helper()
	for !reached() {
		if !p.Receive() {
			p.t.Fatalf("the watch ended before %s: %v", what, p.Err())
		}
		change := p.Msg().GetChange()
		p.take(change.GetPoints())
		if change.GetTables() != nil {
			p.tables = change.GetTables()
		}
	}
}

func (p *statsPage) published() (n int64) {
	for _, point := range p.points {
		n += point.GetPublished()
	}
	return n
}

func (p *statsPage) delivered() (n int64) {
	for _, point := range p.points {
		n += point.GetDelivered()
	}
	return n
}

func (p *statsPage) failed() (n int64) {
	for _, point := range p.points {
		n += point.GetFailed()
	}
	return n
}

func TestStatsWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, bad := newEndpoint(t), newEndpoint(t)
	bad.status.Store(http.StatusBadRequest)
	billing := w.subscribe(webhook("billing", good.URL))
	w.subscribe(webhook("broken", bad.URL))
	w.publish("order.created", `{}`)
	good.next(t)
	bad.next(t)

	page := w.stats(adminKey, &postriderv1.StatsServiceWatchRequest{})
	// The server has just started, and knows no seconds from before.
	if n := len(page.points); n == 0 || n == 300 || page.resolution != time.Second {
		t.Errorf("%d points of %v", n, page.resolution)
	}
	page.until("the first event is delivered", func() bool { return page.delivered() == 1 })
	w.publish("order.created", `{}`)
	w.publish("order.paid", `{}`)
	for range 2 {
		good.next(t)
	}
	page.until("all is delivered", func() bool { return page.published() == 3 && page.delivered() == 3 && page.failed() > 0 })
	for _, point := range page.points {
		if (point.GetDelivered() > 0) != (point.GetLatency().GetP99().AsDuration() > 0) {
			t.Errorf("%d delivered, latency %v", point.GetDelivered(), point.GetLatency())
		}
	}

	again := w.stats(adminKey, &postriderv1.StatsServiceWatchRequest{Span: durationpb.New(24 * time.Hour)})
	if again.published() != 3 || again.tables.GetTotals().GetDelivered() != 3 || again.tables.GetTotals().GetLatency().GetCount() != 3 {
		t.Errorf("a second watch shows %d published, %v", again.published(), again.tables.GetTotals())
	}
	if types := again.tables.GetEventTypes(); len(types) != 2 || types[0].GetType() != "order.created" || types[0].GetPublished() != 2 {
		t.Errorf("types %v", types)
	}
	rows := map[string]*postriderv1.SubscriptionStats{}
	for _, row := range again.tables.GetSubscriptions() {
		rows[row.GetName()] = row
	}
	if row := rows["billing"]; row.GetId() != billing.GetId() || row.GetDelivered() != 3 || row.GetSuccessRatio() != 1 {
		t.Errorf("billing: %v", row)
	}
	failures := again.tables.GetFailures()
	if len(failures) != 1 || failures[0].GetSubscriptionName() != "broken" || failures[0].GetStatusCode() != 400 ||
		failures[0].GetKind() != postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_REFUSED ||
		failures[0].GetFailed() != again.tables.GetTotals().GetFailed() {
		t.Errorf("failures %v of %v", failures, again.tables.GetTotals())
	}
	if row := rows["broken"]; row.GetFailed() == 0 || row.SuccessRatio == nil || row.GetSuccessRatio() != 0 || row.GetLatency() != nil {
		t.Errorf("broken: %v", row)
	}
}

func TestStatsLeaveOutWhatWasDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	sub := w.subscribe(webhook("fleeting", hook.URL))
	w.publish("order.created", `{}`)
	hook.next(t)
	page := w.stats(adminKey, &postriderv1.StatsServiceWatchRequest{})
	page.until("it is delivered", func() bool { return page.delivered() == 1 })
	_, err := w.admin().subscriptions.DeleteSubscription(t.Context(), connect.NewRequest(
		&postriderv1.DeleteSubscriptionRequest{Id: sub.GetId()}))
	if err != nil {
		t.Fatal(err)
	}
	tables := w.stats(adminKey, &postriderv1.StatsServiceWatchRequest{}).tables
	if len(tables.GetSubscriptions()) != 0 || tables.GetTotals().GetDelivered() != 1 {
		t.Errorf("%v", tables)
	}
}

func TestStatsAreOfATenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	w.publish("order.created", `{}`)
	secret, _ := w.key("acme-key", "acme", publish, consume)
	if _, err := w.as(secret).events.Publish(t.Context(), publishRequest("user.created", `{}`)); err != nil {
		t.Fatal(err)
	}
	ours := w.stats(secret, &postriderv1.StatsServiceWatchRequest{})
	if types := ours.tables.GetEventTypes(); len(types) != 1 || types[0].GetType() != "user.created" || ours.published() != 1 {
		t.Errorf("a key of acme sees %v", types)
	}
	named := w.stats(adminKey, &postriderv1.StatsServiceWatchRequest{Tenant: "acme"})
	if types := named.tables.GetEventTypes(); len(types) != 1 || types[0].GetType() != "user.created" {
		t.Errorf("the admin's key sees of acme %v", types)
	}
	client := postriderv1connect.NewStatsServiceClient(&http.Client{Transport: &withKey{secret, http.DefaultTransport}}, w.url)
	stream, err := client.Watch(soon(t), connect.NewRequest(&postriderv1.StatsServiceWatchRequest{Tenant: "default"}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	if stream.Receive() || codeOf(stream.Err()) != "not_found" {
		t.Errorf("a key of acme asks for another tenant: %v, %v", stream.Msg(), stream.Err())
	}
}

func TestStatsSurviveARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	in := func(config *server.Config) { config.Data = data }
	w := newWorld(t, in)
	hook := newEndpoint(t)
	w.subscribe(webhook("billing", hook.URL))
	w.publish("order.created", `{}`)
	hook.next(t)
	page := w.stats(adminKey, &postriderv1.StatsServiceWatchRequest{})
	page.until("it is delivered", func() bool { return page.delivered() == 1 })
	_ = page.Close()
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, in)
	w.publish("order.created", `{}`)
	hook.next(t)
	for _, span := range []time.Duration{time.Hour, 24 * time.Hour, 14 * 24 * time.Hour} {
		page := w.stats(adminKey, &postriderv1.StatsServiceWatchRequest{Span: durationpb.New(span)})
		page.until("both events are there", func() bool { return page.published() == 2 && page.delivered() == 2 })
	}
}

func TestStatsSpanIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := postriderv1connect.NewStatsServiceClient(&http.Client{Transport: &withKey{adminKey, http.DefaultTransport}}, w.url)
	for _, span := range []time.Duration{0, time.Second, 15 * 24 * time.Hour} {
		stream, err := client.Watch(soon(t), connect.NewRequest(&postriderv1.StatsServiceWatchRequest{Span: durationpb.New(span)}))
		if err != nil {
			t.Fatal(err)
		}
		if stream.Receive() || codeOf(stream.Err()) != "invalid_argument" {
			t.Errorf("%v: %v, %v", span, stream.Msg(), stream.Err())
		}
		_ = stream.Close()
	}
}
