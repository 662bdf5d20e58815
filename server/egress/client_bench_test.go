package egress_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
)

// The sink answers from one goroutine per connection and allocates nothing, so that figures are the client's.
func benchmarkSink(b *testing.B, scheme string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			if scheme == "https" {
				c = secured(c)
			}
			go answer(c)
		}
	}()
	return scheme + "://" + listener.Addr().String()
}

func answer(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for {
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				for _, digit := range bytes.TrimSpace(rest) {
					length = length*10 + int(digit-'0')
				}
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := in.Discard(length); err != nil {
			return
		}
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
			return
		}
	}
}

var benchmarkBody = []byte(`{"data":"` + strings.Repeat("x", 300) + `"}`)

// BenchmarkDo is to be read against BenchmarkDoThroughTransport: the difference is what net/http's goroutines cost.
func BenchmarkDo(b *testing.B) { overSchemes(b, http.MethodPost) }

// BenchmarkDoThroughTransport is to be read against BenchmarkBareTransport: the difference is what the guard, the
// deadline and the measuring cost.
func BenchmarkDoThroughTransport(b *testing.B) { overSchemes(b, http.MethodPut) }

func overSchemes(b *testing.B, method string) {
	for _, scheme := range schemes {
		b.Run(scheme, func(b *testing.B) { benchmarkDo(b, scheme, method) })
	}
}

func benchmarkDo(b *testing.B, scheme, method string) {
	u, err := egress.ParseURL(benchmarkSink(b, scheme))
	if err != nil {
		b.Fatal(err)
	}
	client := newClient(b, egress.Config{Guard: loopback(b), RootCAs: certificate().roots})
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := client.Do(b.Context(), egress.Request{
				Method: method, URL: u, Header: http.Header{"Content-Type": {"application/json"}},
				Body: benchmarkBody, Timeout: 15 * time.Second, Keep: 1024,
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkBareTransport(b *testing.B) {
	target := benchmarkSink(b, "http")
	transport := &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}
	b.Cleanup(transport.CloseIdleConnections)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request, _ := http.NewRequest(http.MethodPost, target, bytes.NewReader(benchmarkBody))
			request.Header.Set("Content-Type", "application/json")
			response, err := transport.RoundTrip(request)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	})
}
