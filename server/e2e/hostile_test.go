package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/e2e/tally"
)

const (
	// hostileFrom is where the hostile clients come from; the healthy ones come from 127.0.0.1.
	hostileFrom  = "127.0.0.2"
	neverReading = 60
	trickling    = 60
	babbling     = 20
	crowd        = 10_000
	// backlogEvents of backlogBytes each are what the slow readers have to read.
	backlogEvents, backlogBytes = 20_000, 2_000
	// pace is how often the healthy publisher publishes.
	pace     = 5 * time.Millisecond
	calmFor  = 4 * time.Second
	siegeFor = 8 * time.Second
	// hostileMemoryMB is what the server may use, which lets some 6,000 connections of one address in.
	hostileMemoryMB = 1024
	// heldKB is what a connection may take: the 32 KB that the server counts with, twice, for what its collector has not come to.
	heldKB = 64
	// slowKB is what a reader of the backlog may take beyond that: a page of the log as it is and in its encoding, twice.
	slowKB = 1024
	// mostGrowthMB is by how much memory may grow while the siege lasts and the slow readers fall further behind.
	mostGrowthMB = 60
	// waitsForOthers is longer than any load explains, and far shorter than the 30 s a write may take; for all that is left
	// at the end it is waitsAtMost.
	waitsForOthers = 5 * time.Second
	waitsAtMost    = 20 * time.Second
)

// TestHostileConsumers lays siege to a server: clients that never read, that read a byte a second, that send garbage, and
// ten thousand connections. Its memory must stay bounded, publishing go on, and readers that read get their events as
// before, also those that come in the middle of it.
func TestHostileConsumers(t *testing.T) {
	seed := newSeed(t)
	s := newServer(t)
	s.mustStart(fmt.Sprintf("POSTRIDER_MEMORY=%d", hostileMemoryMB))
	memoryMB(t, s) // skips where it cannot be read
	client := newClient(s)
	fillLog(t, client)

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	p := &pulse{client: client}
	healthy := []string{"gRPC", "server-sent events", "lines of JSON", "connect JSON, HTTP/1.1", "WebSocket, JSON"}
	for _, name := range healthy {
		running.Go(func() { p.listen(ctx, s, name) })
	}

	eventually(t, patience, "everybody listens", func() bool { return p.listeners() == len(healthy) })
	beating, rest := context.WithCancel(ctx)
	var heart sync.WaitGroup
	heart.Go(func() { p.beat(beating) })
	pause(ctx, calmFor)
	calm, before := p.take(), memoryMB(t, s)

	h := &horde{server: s, random: newRandom(seed, 0)}
	defer h.leave()
	h.come(t)
	held := settledFiles(ctx, t, s)
	early := memoryMB(t, s)
	late := &pulse{}
	running.Go(func() { late.listen(ctx, s, "server-sent events") })
	p.take()
	pause(ctx, siegeFor)
	siege, most := p.take(), memoryMB(t, s)
	eventually(t, waitsAtMost, "a reader who came under siege gets something", func() bool { return late.heard() > 0 })
	rest()
	heart.Wait()
	eventually(t, waitsAtMost, "everything published under siege has reached everybody", func() bool { return p.owed() == 0 })

	allowed := before + (held*heldKB+(neverReading+trickling)*slowKB)/1024
	if most > min(allowed, hostileMemoryMB) || most > early+mostGrowthMB {
		t.Errorf("the server takes %d MB under siege, %d MB at its beginning and %d MB before it; with %d connections at most %d MB and %d MB more are allowed",
			most, early, before, held, min(allowed, hostileMemoryMB), mostGrowthMB)
	}
	// The machine is shared with the besiegers.
	if usual := calm.published * int(siegeFor/calmFor); siege.failed > 0 || siege.published < usual/2 {
		t.Errorf("%d events were published under siege, %d refused, where %d are usual: %v", siege.published, siege.failed, usual, p.fault)
	}
	// The machine is shared with the besiegers, and slower for it. Whoever waited for one of them would wait for its deadline.
	if siege.percentile(99) > waitsForOthers {
		t.Errorf("99 %% of the events took up to %v to their readers under siege, %v before", siege.percentile(99), calm.percentile(99))
	}
	tally.Print(t, "seed=%d connections=%d held=%d memory=%d MB (%d MB before the siege, %d MB at its beginning) | calm: published=%d p50=%v p99=%v | siege: published=%d p50=%v p99=%v",
		seed, len(h.connections), held, most, before, early, calm.published, calm.percentile(50), calm.percentile(99),
		siege.published, siege.percentile(50), siege.percentile(99))
}

// fillLog makes a backlog that would not fit into memory once for each reader.
func fillLog(t *testing.T, client *client) {
	t.Helper()
	data := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", backlogBytes))
	for n := 0; n < backlogEvents; n += 1000 {
		batch := make([]*postriderv1.Event, 1000)
		for i := range batch {
			batch[i] = untyped("", "backlog.filled", data)
		}
		if _, err := client.events.PublishBatch(t.Context(), connect.NewRequest(&postriderv1.PublishBatchRequest{Events: batch})); err != nil {
			t.Fatal(err)
		}
	}
}

// memoryMB returns how much of the server is in memory, as the kernel counts it.
func memoryMB(t *testing.T, s *server) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.current().cmd.Process.Pid))
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("the memory of a process is read from /proc: %v", err)
	}
	if err != nil {
		t.Skipf("SKIPPED: the memory of a process is read from /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB / 1024
}

// openFiles returns how many files the server has open, which are its connections for the most part: those beyond an
// address's share are closed again.
func openFiles(t *testing.T, s *server) int {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.current().cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// settledFiles returns how many files the server has open once it has let in all that came.
func settledFiles(ctx context.Context, t *testing.T, s *server) int {
	t.Helper()
	held := openFiles(t, s)
	for pause(ctx, time.Second) {
		now := openFiles(t, s)
		if now <= held {
			return now
		}
		held = now
	}
	return held
}

// pulse publishes at a steady pace and measures how long events take to those who listen. Their ids say when that was.
type pulse struct {
	client *client

	mu    sync.Mutex
	stats pulseStats
	fault error
	// listening counts those who listen; published and received are counted from the beginning.
	listening, published, received int
}

func (p *pulse) listeners() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listening
}

// heard returns how many events have come to those who listen.
func (p *pulse) heard() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.received
}

// owed returns how many events have yet to come, over all who listen.
func (p *pulse) owed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.published*p.listening - p.received
}

type pulseStats struct {
	published, failed int
	delays            []time.Duration
}

func (s pulseStats) percentile(p int) time.Duration {
	if len(s.delays) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.delays))
	return sorted[(len(sorted)-1)*p/100].Round(100 * time.Microsecond)
}

// take returns what was counted since the last time.
func (p *pulse) take() pulseStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.stats
	p.stats = pulseStats{}
	return taken
}

func (p *pulse) beat(ctx context.Context) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	var publishing sync.WaitGroup
	defer publishing.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-ticker.C:
			publishing.Go(func() { p.publish(context.WithoutCancel(ctx), at) })
		}
	}
}

func (p *pulse) publish(ctx context.Context, at time.Time) {
	event := untyped(strconv.FormatInt(at.UnixNano(), 10), "pulse.beaten", `{}`)
	_, err := p.client.events.Publish(ctx, connect.NewRequest(&postriderv1.PublishRequest{Event: event}))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stats.published++; err != nil {
		p.stats.failed, p.fault = p.stats.failed+1, err
		return
	}
	p.published++
}

func (p *pulse) listen(ctx context.Context, s *server, name string) {
	_ = transports[name](ctx, s, []string{"pulse.*"}, "now", func(m streamed) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if m.begin {
			p.listening++
		}
		if at, err := strconv.ParseInt(m.event, 10, 64); err == nil {
			p.received++
			p.stats.delays = append(p.stats.delays, time.Since(time.Unix(0, at)))
		}
		return ctx.Err() == nil
	})
}

// horde is the hostile clients.
type horde struct {
	server *server
	random *rand.Rand

	mu          sync.Mutex
	connections []net.Conn
}

func (h *horde) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.connections {
		_ = c.Close()
	}
}

func (h *horde) come(t *testing.T) {
	t.Helper()
	earliest := fmt.Sprintf("GET /v1/events/stream?start=earliest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", adminKey)
	for i := range neverReading + trickling {
		c := h.connect(t, earliest)
		if i >= neverReading {
			go trickle(c)
		}
	}
	for range babbling {
		seed := h.random.Uint64()
		go babble(h.connect(t, ""), rand.New(rand.NewPCG(seed, 0)))
	}
	live := strings.Replace(earliest, "start=earliest", "types=none.such", 1)
	openings := []string{"", "GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nX-Half: ", live, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}
	for i := range crowd {
		h.connect(t, openings[i%len(openings)])
	}
}

// connect opens a connection and says the first words.
func (h *horde) connect(t *testing.T, opening string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(hostileFrom)}, Timeout: patience}
	c, err := dialer.DialContext(t.Context(), "tcp", h.server.address)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = c.Write([]byte(opening))
	h.connections = append(h.connections, c)
	return c
}

// trickle reads a byte a second.
func trickle(c net.Conn) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for one := make([]byte, 1); ; <-ticker.C {
		if _, err := io.ReadFull(c, one); err != nil {
			return
		}
	}
}

// babble sends what no protocol has, after a beginning that one has.
func babble(c net.Conn, random *rand.Rand) {
	beginnings := [][]byte{
		nil, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		[]byte("POST /postrider.v1.EventService/Publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
		[]byte("GET /v1/events/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: postrider.v1.json\r\nAuthorization: Bearer " + adminKey + "\r\n\r\n"),
	}
	_, err := c.Write(beginnings[random.IntN(len(beginnings))])
	for noise := make([]byte, 512); err == nil; {
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		_, err = io.Copy(c, bytes.NewReader(noise))
		if !errors.Is(err, net.ErrClosed) {
			pause(context.Background(), 20*time.Millisecond)
		}
	}
}
