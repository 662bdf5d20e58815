package egress_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
)

// pipes is a network without servers: serve gets the far end of each connection and closes it by returning.
type pipes struct {
	serve        func(c net.Conn)
	dialled, now atomic.Int64
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p.dialled.Add(1)
	p.now.Add(1)
	go func() {
		p.serve(far)
		_ = far.Close()
		p.now.Add(-1)
	}()
	return near, nil
}

func (p *pipes) client(t *testing.T) *egress.Client {
	return egress.New(egress.Config{Guard: loopback(t), Dial: p.dial})
}

// polite returns every request until the client hangs up.
func polite(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		if _, err := readRequest(in); err != nil {
			return
		}
		_, _ = io.WriteString(c, fine)
	}
}

func untilClosed(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestEndInEachPhase(t *testing.T) {
	t.Parallel()
	phases := map[string]func(c net.Conn){
		"writing": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 10))
			time.Sleep(time.Hour) // on the bubble's clock
		},
		"waiting": untilClosed,
		"in an interim answer": func(c net.Conn) {
			_, _ = readRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			untilClosed(c)
		},
		"in the header": func(c net.Conn) {
			_, _ = readRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le")
			untilClosed(c)
		},
		"in the body": func(c net.Conn) {
			_, _ = readRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal")
			untilClosed(c)
		},
	}
	for phase, serve := range phases {
		for _, kind := range []egress.Kind{egress.KindCanceled, egress.KindTimeout} {
			for _, reused := range []bool{false, true} {
				t.Run(fmt.Sprint(phase, " ", kind, " ", reused), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { endIn(t, serve, kind, reused) })
				})
			}
		}
	}
}

// endIn ends a request while serve has its connection, and expects the connection to be closed and no goroutine left.
func endIn(t *testing.T, serve func(net.Conn), kind egress.Kind, reused bool) {
	network := &pipes{}
	network.serve = func(c net.Conn) {
		if reused && network.dialled.Load() == 1 {
			_, _ = readRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, fine)
		}
		serve(c)
	}
	client := network.client(t)
	if reused {
		if _, err := client.Do(t.Context(), post(t, "http://127.0.0.1/", "{}")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if kind == egress.KindCanceled {
		time.AfterFunc(time.Second, cancel)
	}
	start := time.Now()
	result, err := client.Do(ctx, post(t, "http://127.0.0.1/", "{}"))
	expectKind(t, err, kind)
	want := map[egress.Kind]time.Duration{egress.KindCanceled: time.Second, egress.KindTimeout: 10 * time.Second}[kind]
	if took := time.Since(start); took != want || result.Reused != reused || network.dialled.Load() != 1 {
		t.Errorf("after %v: reused %v, %d connections", took, result.Reused, network.dialled.Load())
	}
	cancel()
	time.Sleep(2 * time.Hour)
	if left := network.now.Load(); left != 0 {
		t.Errorf("%d connections are left", left)
	}
}

func TestCancelWhileDialling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := egress.New(egress.Config{Guard: loopback(t), Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := client.Do(ctx, post(t, "http://127.0.0.1/", "{}"))
		expectKind(t, err, egress.KindCanceled)
		request := post(t, "http://127.0.0.1/", "{}")
		request.Timeout = 5 * time.Second
		_, err = client.Do(t.Context(), request)
		if e := expectKind(t, err, egress.KindTimeout); e.Message != "no connection to 127.0.0.1 within 5s" {
			t.Errorf("message is %q", e.Message)
		}
	})
}

// The end of a caller's context after its request is over is not the next request's.
func TestLateCancelDoesNotReachTheNextRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: polite}
		client := network.client(t)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := client.Do(ctx, post(t, "http://127.0.0.1/", "{}")); err != nil {
				t.Error(err)
			}
			cancel()
			time.Sleep(time.Minute) // the deadline of the request before is over as well
		}
		if got := network.dialled.Load(); got != 1 {
			t.Errorf("%d connections", got)
		}
		client.CloseIdle()
	})
}

// hasty calls read after each read, before the reader knows.
type hasty struct {
	net.Conn
	read func()
}

func (h hasty) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.read()
	return n, err
}

// A cancel that comes with the last byte may still be on its way when the answer is complete.
func TestConnectionIsNotKeptAfterACancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: polite}
		ctx, cancel := context.WithCancel(t.Context())
		client := egress.New(egress.Config{Guard: loopback(t), Dial: func(ctx context.Context, kind, address string) (net.Conn, error) {
			c, err := network.dial(ctx, kind, address)
			return hasty{c, cancel}, err
		}})
		if result, err := client.Do(ctx, post(t, "http://127.0.0.1/", "{}")); err != nil || string(result.Body) != "ok" {
			t.Errorf("result %+v, error %v", result, err)
		}
		synctest.Wait()
		if left := network.now.Load(); left != 0 {
			t.Errorf("%d connections are left", left)
		}
	})
}

func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: polite}
		client := network.client(t)
		ask := func(host string) {
			t.Helper()
			if _, err := client.Do(t.Context(), post(t, "http://"+host, "{}")); err != nil {
				t.Error(err)
			}
		}
		expect := func(want int64) {
			t.Helper()
			synctest.Wait()
			if got := network.now.Load(); got != want {
				t.Errorf("%d connections, want %d", got, want)
			}
		}
		ask("127.0.0.1")
		time.Sleep(60 * time.Second)
		ask("127.0.0.2")
		time.Sleep(29 * time.Second)
		expect(2)
		time.Sleep(time.Second)
		expect(1)
		time.Sleep(60 * time.Second)
		expect(0)
		ask("127.0.0.1")
		expect(1)
		client.CloseIdle()
		expect(0)
	})
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const atOnce = 1024 + 6
		var arrived sync.WaitGroup
		network := &pipes{serve: func(c net.Conn) {
			_, _ = readRequest(bufio.NewReaderSize(c, 512))
			arrived.Done()
			arrived.Wait()
			_, _ = io.WriteString(c, fine)
			_, _ = c.Read(make([]byte, 1))
		}}
		client := network.client(t)
		for host, want := range []int64{1024, 2048, 3072, 4096, 5120, 6144, 7168, 8192, 8192} {
			arrived.Add(atOnce)
			var all sync.WaitGroup
			for range atOnce {
				all.Go(func() {
					_, err := client.Do(t.Context(), post(t, fmt.Sprintf("http://127.0.0.%d", host+1), "{}"))
					if err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			synctest.Wait()
			if got := network.now.Load(); got != want {
				t.Errorf("%d connections, want %d", got, want)
			}
		}
		client.CloseIdle()
	})
}
