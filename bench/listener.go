package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

const livePath = "/v1/events/stream"

// transport opens one live stream and returns the bytes that the server sends.
type transport struct {
	name string
	open func(address, start string) (io.ReadCloser, error)
	// silent means that open already reads the begin of the stream.
	silent bool
}

// liveTransports are the measured transports of live streams.
var liveTransports = []transport{
	{name: "SSE", open: openSSE}, {name: "Connect", open: openConnect}, {name: "WebSocket", open: openWebSocket, silent: true},
}

func openSSE(address, start string) (io.ReadCloser, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s?start=%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", livePath, start, address, adminKey)
	return conn, err
}

// openConnect opens an HTTP/2 connection for a single stream.
func openConnect(address, start string) (io.ReadCloser, error) {
	message, err := proto.Marshal(&postriderv1.SubscribeRequest{Start: start})
	if err != nil {
		return nil, err
	}
	body := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		"http://"+address+postriderv1connect.EventServiceSubscribeProcedure, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/connect+proto")
	request.Header.Set("Connect-Protocol-Version", "1")
	request.Header.Set("Authorization", "Bearer "+adminKey)
	response, err := http2Client().Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return response.Body, fmt.Errorf("subscribe: %s", response.Status)
	}
	return response.Body, nil
}

// openWebSocket subscribes in JSON. The reader does not respond to pings, which come too late to matter.
func openWebSocket(address, start string) (io.ReadCloser, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	subscribe := fmt.Sprintf(`{"id":"1","subscription":"s","subscribe":{"start":%q}}`, start)
	// RFC 6455, section 5.2: a final text frame of less than 126 bytes, masked, by a mask of zeros.
	masked := append([]byte{0x81, 0x80 | byte(len(subscribe)), 0, 0, 0, 0}, subscribe...)
	_, err = fmt.Fprintf(conn, "GET /v1/events/socket HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"Sec-WebSocket-Protocol: postrider.v1.json\r\n\r\n%s", address, adminKey, masked)
	if err != nil {
		return conn, err
	}
	// Nothing follows the begin before the first event, which is not published yet.
	for answer := make([]byte, 0, 4096); len(answer) < cap(answer) && !bytes.Contains(answer, []byte(`"begin"`)); {
		n, err := conn.Read(answer[len(answer):cap(answer)])
		if err != nil {
			return conn, fmt.Errorf("subscribe: %w: %q", err, answer)
		}
		answer = answer[:len(answer)+n]
	}
	return conn, nil
}

// listeners are readers of live streams that only count events.
type listeners struct {
	streams []io.ReadCloser
	counts  []atomic.Int64
	// seen is called for each read that brought events; it may be nil.
	seen  func(listener int, from, to int64)
	ended sync.WaitGroup
}

// readBytes is the number of bytes that a listener reads at once.
const readBytes = 32 << 10

// listen opens n streams and waits until all have begun. The caller must call close.
func listen(by transport, address, start string, n int, seen func(int, int64, int64)) (*listeners, error) {
	l := &listeners{streams: make([]io.ReadCloser, n), counts: make([]atomic.Int64, n), seen: seen}
	var begun sync.WaitGroup
	for i := range n {
		stream, err := by.open(address, start)
		if err != nil {
			l.close()
			return nil, err
		}
		l.streams[i] = stream
		begun.Add(1)
		l.ended.Go(func() { l.count(i, begun.Done) })
	}
	if by.silent {
		return l, nil
	}
	begun.Wait()
	return l, nil
}

func (l *listeners) count(i int, begun func()) {
	var once sync.Once
	defer once.Do(begun)
	// The end of the previous read is too short for a marker, but may be the beginning of one.
	const kept = len(marker) - 1
	buffer := make([]byte, kept+readBytes)
	for {
		n, err := l.streams[i].Read(buffer[kept:])
		if err != nil {
			return
		}
		once.Do(begun)
		events := int64(bytes.Count(buffer[:kept+n], []byte(marker)))
		copy(buffer, buffer[n:kept+n])
		if events == 0 {
			continue
		}
		to := l.counts[i].Add(events)
		if l.seen != nil {
			l.seen(i, to-events, to)
		}
	}
}

// close closes all streams at once: closing a connection waits for its reader, which waits for its turn among all busy ones.
func (l *listeners) close() {
	for _, stream := range l.streams {
		if stream != nil {
			l.ended.Go(func() { _ = stream.Close() })
		}
	}
	l.ended.Wait()
}

// total returns the number of events that were read, and the number that the slowest listener has read.
func (l *listeners) total() (total, slowest int64) {
	counts := make([]int64, len(l.counts))
	for i := range l.counts {
		counts[i] = l.counts[i].Load()
		total += counts[i]
	}
	return total, slices.Min(counts)
}

// await waits until every listener has read a number of events.
func (l *listeners) await(events int64, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		_, slowest := l.total()
		if slowest >= events {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("live events stopped at %d of %d", slowest, events)
		}
		time.Sleep(time.Millisecond)
	}
}
