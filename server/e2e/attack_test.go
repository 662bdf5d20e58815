package e2e_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sync/errgroup"
)

// attack is one thing that has killed or stalled a server.
type attack struct {
	name string
	// prepare runs before the siege; nil for nothing to prepare.
	prepare func(context.Context, *besieger) error
	// act is one step of it. It is repeated by hands goroutines, each with a pause of pace between two steps.
	act   func(context.Context, *besieger) string
	hands int
	pace  time.Duration
}

func (a attack) run(ctx context.Context, b *besieger) {
	var acting sync.WaitGroup
	defer acting.Wait()
	for range a.hands {
		acting.Go(func() {
			for ctx.Err() == nil {
				if did := a.act(ctx, b); ctx.Err() == nil {
					b.note(a.name, did)
				}
				pause(ctx, a.pace)
			}
		})
	}
}

var attacks = []attack{
	{name: "bombs", act: bombHealth, hands: 4, pace: 100 * time.Millisecond},
	{name: "reflection bombs", act: bombReflection, hands: 2, pace: 100 * time.Millisecond},
	{name: "sign-ins", act: signInWithMuch, hands: 60, pace: time.Second},
	{name: "drips", act: drip, hands: 100, pace: time.Second},
	{name: "large bodies", act: publishMuch, hands: 8, pace: 200 * time.Millisecond},
	{name: "growing texts", prepare: filterGrowing, act: publishGrowing, hands: 1, pace: time.Second},
	{name: "growing texts in streams", act: streamGrowing, hands: 4, pace: 500 * time.Millisecond},
	{name: "quadratic filters", prepare: filterQuadratic, act: publishQuadratic, hands: 1, pace: time.Second},
	{name: "filter tests", act: testFilter, hands: 4, pace: 100 * time.Millisecond},
	{name: "repetitions", act: testRepetition, hands: 1, pace: 200 * time.Millisecond},
	{name: "schema pairs", act: pushPair, hands: 1, pace: time.Second},
	{name: "sockets to targets", prepare: subscribeWide, act: publishWide, hands: 1, pace: 2 * time.Second},
	{name: "dead endpoints", prepare: subscribeDead, act: publishToDead, hands: 1, pace: 100 * time.Millisecond},
	{name: "busy endpoint", prepare: subscribeBusy, act: publishToBusy, hands: 1, pace: 200 * time.Millisecond},
	{name: "rapid resets", act: resetRapidly, hands: 2, pace: 100 * time.Millisecond},
	{name: "open streams", act: openManyStreams, hands: 4, pace: time.Second},
}

// bomb is 512 MiB of zeros in half a megabyte, as one gRPC message.
var bomb = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 512 {
		_, _ = writer.Write(zeros)
	}
	_ = writer.Close()
	framed := make([]byte, 5, 5+packed.Len())
	framed[0] = 1
	binary.BigEndian.PutUint32(framed[1:], uint32(packed.Len()))
	return append(framed, packed.Bytes()...)
})

func grpcHeader() http.Header {
	return http.Header{"Content-Type": {"application/grpc-web+proto"}, "Grpc-Encoding": {"gzip"}}
}

func bombHealth(ctx context.Context, b *besieger) string {
	status, _, err := b.post(ctx, "/grpc.health.v1.Health/Check", grpcHeader(), bytes.NewReader(bomb()))
	return outcome(status, err)
}

func bombReflection(ctx context.Context, b *besieger) string {
	path := "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	status, _, err := b.post(ctx, path, grpcHeader(), bytes.NewReader(bomb()))
	return outcome(status, err)
}

// signInWithMuch sends 19 MiB where a key belongs.
func signInWithMuch(ctx context.Context, b *besieger) string {
	body := io.MultiReader(strings.NewReader(`{"key":"`), io.LimitReader(endless('k'), 19<<20))
	status, _, err := b.post(ctx, "/postrider.v1.SessionService/CreateSession", http.Header{"Content-Type": {"application/json"}}, body)
	return outcome(status, err)
}

// endless repeats one byte.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// drip sends the body of a sign-in a byte a second.
func drip(ctx context.Context, b *besieger) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.server.url()+"/postrider.v1.SessionService/CreateSession", dripping{ctx})
	if err != nil {
		return "cut"
	}
	request.Header.Set("Content-Type", "application/json")
	status, _, err := b.do(request)
	return outcome(status, err)
}

type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	if !pause(d.ctx, time.Second) {
		return 0, d.ctx.Err()
	}
	p[0] = ' '
	return 1, nil
}

// publishMuch publishes events that are nearly as large as a request may be.
func publishMuch(ctx context.Context, b *besieger) string {
	body := io.MultiReader(strings.NewReader(`{"event":{"type":"siege.large","data":{"text":"`),
		io.LimitReader(endless('x'), 15<<20), strings.NewReader(`"}}}`))
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + b.key}}
	status, _, err := b.post(ctx, "/postrider.v1.EventService/Publish", header, body)
	return outcome(status, err)
}

// growing are expressions that make gigabytes of 60 kB.
var growing = []string{
	`event.data.s.replace('', event.data.s) != ''`,
	`event.data.l.join(event.data.s) != ''`,
	`event.data.s.split('').map(c, event.data.s).join('') != ''`,
}

func filterGrowing(ctx context.Context, b *besieger) error {
	for i, expression := range growing {
		err := b.subscribe(ctx, fmt.Sprintf("growing-%d", i), b.slow, map[string]any{"types": []string{"siege.growing"}, "expression": expression}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func publishGrowing(ctx context.Context, b *besieger) string {
	list := make([]string, 10_000)
	return b.publish(ctx, "siege.growing", map[string]any{"s": strings.Repeat("x", 60_000), "l": list})
}

// streamGrowing opens a live stream with such a filter, from the beginning.
func streamGrowing(ctx context.Context, b *besieger) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	query := url.Values{"types": {"siege.growing"}, "start": {"earliest"}, "expression": {growing[0]}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.server.url()+"/v1/events/stream?"+query.Encode(), nil)
	if err != nil {
		return "cut"
	}
	request.Header.Set("Authorization", "Bearer "+b.key)
	status, _, err := b.do(request)
	if ctx.Err() != nil {
		return "read on"
	}
	return outcome(status, err)
}

func filterQuadratic(ctx context.Context, b *besieger) error {
	for i := range 5 {
		filter := map[string]any{"types": []string{"siege.quadratic"}, "expression": fmt.Sprintf(`event.data.l.exists(x, event.data.l == [x]) && %d > 0`, i)}
		if err := b.subscribe(ctx, fmt.Sprintf("quadratic-%d", i), b.slow, filter, nil); err != nil {
			return err
		}
	}
	return nil
}

func publishQuadratic(ctx context.Context, b *besieger) string {
	list := make([]string, 30_000)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	return b.publish(ctx, "siege.quadratic", map[string]any{"l": list})
}

func testFilter(ctx context.Context, b *besieger) string {
	status, _, err := b.call(ctx, b.key, "SubscriptionService/TestFilter", map[string]any{
		"filter": map[string]any{"types": []string{"siege.*"}, "expression": `event.data.l.exists(x, event.data.l == [x])`}, "limit": 1000,
	})
	return outcome(status, err)
}

func testRepetition(ctx context.Context, b *besieger) string {
	status, _, err := b.call(ctx, b.key, "SubscriptionService/TestFilter", map[string]any{
		"filter": map[string]any{"expression": `event.type.matches("^a[0-9]{4}$")`}, "limit": 10,
	})
	if status == http.StatusInternalServerError {
		return "500: a panic"
	}
	return outcome(status, err)
}

// pushPair registers a second version of a type with a repeated enum.
func pushPair(ctx context.Context, b *besieger) string {
	source := `syntax = "proto3"; package siege; enum Kind { KIND_UNSPECIFIED = 0; } message Paired { repeated Kind kinds = 1; string s%d = %d; }`
	number := 2 + time.Now().Unix()%1000
	status, answer, err := b.call(ctx, adminKey, "EventTypeService/RegisterEventTypes", map[string]any{
		"files": []map[string]any{{"path": "siege.proto", "content": fmt.Sprintf(source, number, number)}}, "all": true, "allowBreaking": true,
	})
	if status == http.StatusInternalServerError {
		return "500: " + string(answer)
	}
	return outcome(status, err)
}

// subscribeWide makes three subscriptions that together want three times the sockets that there are.
func subscribeWide(ctx context.Context, b *besieger) error {
	for i := range 3 {
		filter, policy := map[string]any{"types": []string{"siege.wide"}}, map[string]any{"concurrency": 1024}
		if err := b.subscribe(ctx, fmt.Sprintf("wide-%d", i), b.slow, filter, policy); err != nil {
			return err
		}
	}
	return nil
}

func publishWide(ctx context.Context, b *besieger) string {
	events := make([]map[string]any, 1000)
	for i := range events {
		events[i] = map[string]any{"type": "siege.wide", "data": map[string]any{}}
	}
	status, _, err := b.call(ctx, b.key, "EventService/PublishBatch", map[string]any{"events": events})
	return outcome(status, err)
}

// subscribeDead makes a thousand subscriptions to a port that refuses, and a hundred to one that hangs.
func subscribeDead(ctx context.Context, b *besieger) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range 1100 {
		target := "http://127.0.0.3:9"
		if i >= 1000 {
			target = b.hanging
		}
		group.Go(func() error {
			return b.subscribe(ctx, fmt.Sprintf("dead-%d", i), target, map[string]any{"types": []string{"siege.dead"}}, nil)
		})
	}
	return group.Wait()
}

func publishToDead(ctx context.Context, b *besieger) string {
	return b.publish(ctx, "siege.dead", map[string]any{})
}

func subscribeBusy(ctx context.Context, b *besieger) error {
	return b.subscribe(ctx, "busy", b.busy, map[string]any{"types": []string{"siege.busy"}}, nil)
}

func publishToBusy(ctx context.Context, b *besieger) string {
	return b.publish(ctx, "siege.busy", map[string]any{})
}

// streamsOf is an HTTP/2 connection that speaks frames, many with each write.
type streamsOf struct {
	net.Conn
	*http2.Framer
	out  *bufio.Writer
	head []byte
	next uint32
}

func (b *besieger) http2(ctx context.Context) (*streamsOf, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(hostileFrom)}}
	conn, err := dialer.DialContext(ctx, "tcp", b.server.address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(conn, 64<<10)
	framer := http2.NewFramer(out, conn)
	go func() {
		for {
			if _, err := framer.ReadFrame(); err != nil {
				return
			}
		}
	}()
	var head bytes.Buffer
	fields := hpack.NewEncoder(&head)
	for _, f := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", "/postrider.v1.EventService/Publish"},
		{":authority", "x"},
		{"content-type", "application/grpc"},
		{"authorization", "Bearer " + b.key},
	} {
		if err := fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true}); err != nil {
			return nil, err
		}
	}
	return &streamsOf{conn, framer, out, head.Bytes(), 1}, framer.WriteSettings()
}

func (s *streamsOf) open() (uint32, error) {
	id := s.next
	s.next += 2
	return id, s.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.head, EndHeaders: true})
}

// resetRapidly opens streams and resets each at once, as in CVE-2023-44487.
func resetRapidly(ctx context.Context, b *besieger) string {
	conn, err := b.http2(ctx)
	if err != nil {
		return "cut"
	}
	defer func() { _ = conn.Close() }()
	for n := 0; n < 20_000 && ctx.Err() == nil; n++ {
		id, err := conn.open()
		if err == nil {
			err = conn.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		if err != nil {
			return "cut"
		}
	}
	if conn.out.Flush() != nil {
		return "cut"
	}
	return "sent"
}

// openManyStreams opens 5,000 streams on one connection and leaves them open.
func openManyStreams(ctx context.Context, b *besieger) string {
	conn, err := b.http2(ctx)
	if err != nil {
		return "cut"
	}
	defer func() { _ = conn.Close() }()
	for range 5000 {
		if _, err := conn.open(); err != nil {
			return "cut"
		}
	}
	if conn.out.Flush() != nil {
		return "cut"
	}
	pause(ctx, 10*time.Second)
	return "held"
}
