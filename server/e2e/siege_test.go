package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/e2e/tally"
)

const (
	siegeDuration = time.Minute
	// siegeMemoryMB is what the machine of the siege has; siegeFiles is what `ulimit -n` says there.
	siegeMemoryMB = 1024
	siegeFiles    = 1024
	// siegeBound is how long 99 % of each of the healthy tenant's delays may be.
	siegeBound = "POSTRIDER_TEST_SIEGE"
	// healthyPace is how often the healthy tenant publishes.
	healthyPace = 20 * time.Millisecond
)

// TestSiege lets one tenant, and clients without any key, do at once whatever is known to have killed or stalled a server,
// on a machine with 1 GiB of memory and 1,024 descriptors. Another tenant publishes, delivers and streams beside them: its
// delays stay short, nothing of what was acknowledged to it is lost or refused, and the process lives. `make test` runs
// it alone, after the others.
func TestSiege(t *testing.T) {
	if os.Getenv(siegeBound) == "" {
		t.Skip("a siege takes two minutes of all processors: run it with make siege")
	}
	p99, err := time.ParseDuration(os.Getenv(siegeBound))
	if err != nil {
		t.Fatalf("%s: %v", siegeBound, err)
	}
	s := newServer(t)
	s.limits = []string{fmt.Sprint("-n ", siegeFiles)}
	l := s.mustStart()
	memoryMB(t, s) // skips where it cannot be read
	healthy := newHealthyTenant(t, s)
	besieger := prepareSiege(t, s)

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { healthy.listen(ctx) })
	eventually(t, patience, "the healthy tenant's stream is open", healthy.listening)

	under, end := context.WithTimeout(ctx, siegeDuration)
	defer end()
	running.Go(func() { watchMemory(under, s, l) })
	running.Go(func() {
		select {
		case <-l.ended:
			end()
		case <-under.Done():
		}
	})
	besieger.begin()
	healthy.publishUntil(under)
	select {
	case <-l.ended:
		t.Fatalf("the server ended under siege: %v | %s\n%s", l.cmd.ProcessState, healthy, l.log)
	default:
	}
	besieger.lift()
	for drained := time.Now().Add(drainWithin); healthy.owed() > 0 && time.Now().Before(drained); {
		pause(ctx, 100*time.Millisecond)
	}
	peak := peakMemoryMB(t, l)
	if peak > siegeMemoryMB {
		t.Errorf("the server took up to %d MB, %d are allowed", peak, siegeMemoryMB)
	}
	healthy.check(t, p99)
	tally.Print(t, "peak=%d MB | %s | attacks: %s", peak, healthy, besieger)
}

// watchMemory ends the server like the kernel of a machine with less memory would.
func watchMemory(ctx context.Context, s *server, l *life) {
	for pause(ctx, 100*time.Millisecond) {
		if processMB(l, "VmRSS:") > siegeMemoryMB {
			s.kill()
			return
		}
	}
}

// peakMemoryMB returns the most that a running server ever had in memory, as the kernel counts it.
func peakMemoryMB(t *testing.T, l *life) int {
	t.Helper()
	peak := processMB(l, "VmHWM:")
	if peak == 0 {
		t.Error("the peak of the memory cannot be read")
	}
	return peak
}

// processMB reads one figure of a process; 0 when it is gone.
func processMB(l *life, figure string) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(status), figure)
	if !found {
		return 0
	}
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		return 0
	}
	return kB / 1024
}

// healthyTenant publishes at a steady pace and measures how long each answer, delivery and stream message takes.
type healthyTenant struct {
	server *server
	client *client
	hook   *httptest.Server

	mu sync.Mutex
	// accepted are the ids that were acknowledged; delivered and streamed are those that arrived.
	accepted, delivered, streamed map[string]bool
	delays                        map[string][]time.Duration
	open                          bool
	refused                       int
	refusal                       error
}

func newHealthyTenant(t *testing.T, s *server) *healthyTenant {
	h := &healthyTenant{
		server: s, client: newClient(s), delays: map[string][]time.Duration{},
		accepted: map[string]bool{}, delivered: map[string]bool{}, streamed: map[string]bool{},
	}
	h.hook = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		h.arrived("delivery", h.delivered, r.Header.Get("webhook-id"))
	}))
	t.Cleanup(h.hook.Close)
	_, err := h.client.subscriptions.CreateSubscription(t.Context(), connect.NewRequest(&postriderv1.CreateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{
			Name: "healthy", Filter: &postriderv1.Filter{Types: []string{"pulse.*"}},
			Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: h.hook.URL}}},
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// arrived records an event whose id says when it was published.
func (h *healthyTenant) arrived(how string, among map[string]bool, id string) {
	at, err := strconv.ParseInt(id, 10, 64)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil || among[id] {
		return
	}
	among[id] = true
	h.delays[how] = append(h.delays[how], time.Since(time.Unix(0, at)))
}

// listen keeps one stream open, and resumes it when it ends.
func (h *healthyTenant) listen(ctx context.Context) {
	for cursor := "now"; ctx.Err() == nil; pause(ctx, retryPause) {
		_ = bySSE(http1)(ctx, h.server, []string{"pulse.*"}, cursor, func(m streamed) bool {
			if m.cursor != "" {
				cursor = m.cursor
			}
			h.arrived("stream", h.streamed, m.event)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.open = true
			return true
		})
	}
}

func (h *healthyTenant) listening() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

func (h *healthyTenant) publishUntil(ctx context.Context) {
	ticker := time.NewTicker(healthyPace)
	defer ticker.Stop()
	var publishing sync.WaitGroup
	defer publishing.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-ticker.C:
			publishing.Go(func() { h.publish(at) })
		}
	}
}

func (h *healthyTenant) publish(at time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	id := strconv.FormatInt(at.UnixNano(), 10)
	_, err := h.client.events.Publish(ctx, connect.NewRequest(&postriderv1.PublishRequest{Event: untyped(id, "pulse.beaten", `{}`)}))
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.refused, h.refusal = h.refused+1, err
		return
	}
	h.accepted[id] = true
	h.delays["answer"] = append(h.delays["answer"], time.Since(at))
}

// owed counts what was acknowledged and has not arrived.
func (h *healthyTenant) owed() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.accepted {
		if !h.delivered[id] || !h.streamed[id] {
			n++
		}
	}
	return n
}

func (h *healthyTenant) check(t *testing.T, most time.Duration) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for how, arrived := range map[string]map[string]bool{"delivered": h.delivered, "streamed": h.streamed} {
		missing := 0
		for id := range h.accepted {
			if !arrived[id] {
				missing++
			}
		}
		if missing > 0 {
			t.Errorf("%d of %d acknowledged events were not %s within %v", missing, len(h.accepted), how, drainWithin)
		}
	}
	if h.refused > 0 {
		t.Errorf("%d of the healthy tenant's events were refused, at last: %v", h.refused, h.refusal)
	}
	if usual := int(siegeDuration / healthyPace); len(h.accepted) < usual*9/10 {
		t.Errorf("%d events were accepted, %d are usual", len(h.accepted), usual)
	}
	for _, how := range []string{"answer", "delivery", "stream"} {
		if p99 := percentile(h.delays[how], 99); p99 > most {
			t.Errorf("%s: 99 %% took up to %v, %v are allowed", how, p99, most)
		}
	}
}

func (h *healthyTenant) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := fmt.Sprintf("published=%d refused=%d", len(h.accepted), h.refused)
	for _, how := range []string{"answer", "delivery", "stream"} {
		line += fmt.Sprintf(" %s p50=%v p99=%v", how, percentile(h.delays[how], 50), percentile(h.delays[how], 99))
	}
	return line
}

func percentile(delays []time.Duration, p int) time.Duration {
	return pulseStats{delays: slices.Clone(delays)}.percentile(p)
}
