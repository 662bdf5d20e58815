package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sink is a receiver that responds with 204 to everything, with as little work as possible. It counts deliveries. If a body
// contains "sent_ns", it records how long ago that was.
type sink struct {
	received atomic.Int64
	mu       sync.Mutex
	latency  []time.Duration
}

func (s *sink) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go s.handle(conn)
	}
}

var (
	answer     = []byte("HTTP/1.1 204 No Content\r\n\r\n")
	sentMarker = []byte(`"sent_ns":`)
)

func (s *sink) handle(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 8192)
	var body []byte
	for {
		length, path, err := readRequestHead(r)
		if err != nil {
			return
		}
		arrived := time.Now()
		if cap(body) < length {
			body = make([]byte, length)
		}
		body = body[:length]
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if path == "/stats" {
			s.report(conn)
			continue
		}
		s.received.Add(1)
		s.note(body, arrived)
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

func readRequestHead(r *bufio.Reader) (length int, path string, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, "", err
	}
	if bytes.HasPrefix(line, []byte("GET /stats")) {
		path = "/stats"
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, "", err
		}
		if len(line) <= 2 {
			return length, path, nil
		}
		if hasHeader(line, "content-length:") {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:]))); err != nil {
				return 0, "", err
			}
		}
	}
}

func (s *sink) note(body []byte, arrived time.Time) {
	_, rest, ok := bytes.Cut(body, sentMarker)
	if !ok {
		return
	}
	end := bytes.IndexAny(rest, ",}")
	if end < 0 {
		return
	}
	sent, err := strconv.ParseInt(string(bytes.Trim(rest[:end], `" `)), 10, 64)
	if err != nil || sent == 0 {
		return
	}
	s.mu.Lock()
	s.latency = append(s.latency, arrived.Sub(time.Unix(0, sent)))
	s.mu.Unlock()
}

// report writes the count and the quantiles of the latency in microseconds, and resets the latencies.
func (s *sink) report(conn net.Conn) {
	s.mu.Lock()
	latency := s.latency
	s.latency = nil
	s.mu.Unlock()
	slices.Sort(latency)
	at := func(q float64) int64 {
		if len(latency) == 0 {
			return 0
		}
		return latency[int(q*float64(len(latency)-1))].Microseconds()
	}
	body := fmt.Sprintf("%d %d %d %d %d", s.received.Load(), len(latency), at(0.5), at(0.99), at(1))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// sinkMain is the sink as a process of its own: bench sink ADDRESS [CERTIFICATE ADDRESS...].
func sinkMain(address string, secure []string) int {
	if err := new(sink).serve(address, secure); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serve listens over TLS first, because the process that starts a sink waits only for address.
func (s *sink) serve(address string, secure []string) error {
	if len(secure) > 0 {
		if err := s.listenTLS(secure[0], secure[1:]); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s.accept(l)
	return nil
}

// sinkStats is what a sink reports.
type sinkStats struct {
	received, samples int64
	p50, p99, worst   time.Duration
}

func readSinkStats(address string) (sinkStats, error) {
	conn, err := dialRaw(address)
	if err != nil {
		return sinkStats{}, err
	}
	defer conn.close()
	_, body, err := conn.do([]byte("GET /stats HTTP/1.1\r\nHost: sink\r\n\r\n"))
	if err != nil {
		return sinkStats{}, err
	}
	var s sinkStats
	var p50, p99, worst int64
	if _, err := fmt.Sscan(string(body), &s.received, &s.samples, &p50, &p99, &worst); err != nil {
		return s, err
	}
	us := func(v int64) time.Duration { return time.Duration(v) * time.Microsecond }
	s.p50, s.p99, s.worst = us(p50), us(p99), us(worst)
	return s, nil
}
