package egress_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postrider-dev/postrider/server/egress"
)

const (
	fine   = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	hangUp = "" // instead of an answer
)

// endpoint returns each request with what reply says for the number of its connection and of the request on it, from 0.
// It hangs up after hangUp and after half an answer.
func endpoint(t testing.TB, scheme string, reply func(connection, request int) string) string {
	t.Helper()
	return listen(t, scheme, func(connection int, c net.Conn) {
		in := bufio.NewReader(c)
		for request := 0; ; request++ {
			if _, err := readRequest(in); err != nil {
				return
			}
			answer := reply(connection, request)
			_, err := io.WriteString(c, answer)
			if err != nil || answer == hangUp || strings.Contains(answer, "half") {
				return
			}
		}
	})
}

// listen serves each connection, with its number, until serve returns.
func listen(t testing.TB, scheme string, serve func(connection int, c net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for connection := 0; ; connection++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			if scheme == "https" {
				c = secured(c)
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(connection, c)
			}()
		}
	}()
	return scheme + "://" + listener.Addr().String()
}

// readRequest returns the body.
func readRequest(in *bufio.Reader) ([]byte, error) {
	request, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(request.Body)
}

// overBoth runs a test over plain http and over https.
func overBoth(t *testing.T, test func(t *testing.T, scheme string)) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			test(t, scheme)
		})
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	overBoth(t, reuse)
}

func reuse(t *testing.T, scheme string) {
	cases := []struct {
		name, answer string
		reused       bool
		body         string
	}{
		{"length", fine, true, "ok"},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", true, ""},
		{"chunked with a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\no\r\n1;a=b\r\nk\r\n0\r\nX-Sum: 1\r\n\r\n", true, "ok"},
		{"chunked and a length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true, "ok"},
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false, "ok"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, "ok"},
		{"HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true, "ok"},
		{"switching protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", false, ""},
		{"garbage after the body", fine + "HTTP/1.1 500 Not Yours\r\nContent-Length: 0\r\n\r\n", false, "ok"},
		{"garbage after no content", "HTTP/1.1 204 No Content\r\n\r\nok", false, ""},
		{"no length", "HTTP/1.1 200 OK\r\n\r\nhalf", false, "half"},
		{"over the cap", "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("x", 40000), false, strings.Repeat("x", 1024)},
		{"over the cap, and the rest does not come", "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("x", 16<<10+1), false, strings.Repeat("x", 1024)},
		{"over the cap in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n0\r\n\r\n", false, strings.Repeat("x", 1024)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			target := endpoint(t, scheme, func(int, int) string { return c.answer })
			client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots})
			for request := range 2 {
				result, err := client.Do(t.Context(), post(t, target, "{}"))
				if err != nil || string(result.Body) != c.body || result.Reused != (c.reused && request > 0) {
					t.Errorf("request %d: reused %v, body %.20q, error %v", request, result.Reused, result.Body, err)
				}
			}
		})
	}
}

func TestTruncatedAnswerEndsTheConnection(t *testing.T) {
	t.Parallel()
	overBoth(t, truncatedAnswerEndsTheConnection)
}

func truncatedAnswerEndsTheConnection(t *testing.T, scheme string) {
	for _, bad := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		target := endpoint(t, scheme, func(connection, _ int) string {
			if connection == 0 {
				return bad
			}
			return fine
		})
		client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots})
		_, err := client.Do(t.Context(), post(t, target, "{}"))
		expectKind(t, err, egress.KindConnection)
		result, err := client.Do(t.Context(), post(t, target, "{}"))
		if err != nil || result.Reused {
			t.Errorf("after %q: %+v, %v", bad, result, err)
		}
	}
}

func TestRequestIsSentOnceMoreOnANewConnection(t *testing.T) {
	t.Parallel()
	overBoth(t, requestIsSentOnceMoreOnANewConnection)
}

func requestIsSentOnceMoreOnANewConnection(t *testing.T, scheme string) {
	cases := []struct {
		name        string
		second      string // on the connection used before
		then        string // on a new one
		connections int64
		kind        egress.Kind
	}{
		{"stale", hangUp, fine, 2, 0},
		{"stale, then refused too", hangUp, hangUp, 2, egress.KindConnection},
		{"an answer begun is not asked for again", "HTTP/1.1 200 OK\r\nX: half", fine, 1, egress.KindConnection},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var connections atomic.Int64
			target := endpoint(t, scheme, func(connection, request int) string {
				connections.Store(int64(connection + 1))
				switch {
				case connection > 0:
					return c.then
				case request > 0:
					return c.second
				}
				return fine
			})
			client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots})
			if _, err := client.Do(t.Context(), post(t, target, "{}")); err != nil {
				t.Fatal(err)
			}
			result, err := client.Do(t.Context(), post(t, target, "{}"))
			if c.kind != 0 {
				expectKind(t, err, c.kind)
			} else if err != nil || result.Reused || string(result.Body) != "ok" {
				t.Errorf("result %+v, error %v", result, err)
			}
			if got := connections.Load(); got != c.connections {
				t.Errorf("%d connections, want %d", got, c.connections)
			}
		})
	}
}

// An endpoint that says something on an idle connection, like 408 when its patience ends, must not answer the next
// request with it.
func TestUnaskedAnswerIsNotTaken(t *testing.T) {
	t.Parallel()
	overBoth(t, unaskedAnswerIsNotTaken)
}

func unaskedAnswerIsNotTaken(t *testing.T, scheme string) {
	idle, said := make(chan struct{}), make(chan struct{})
	target := listen(t, scheme, func(connection int, c net.Conn) {
		in := bufio.NewReader(c)
		for {
			if _, err := readRequest(in); err != nil {
				return
			}
			_, _ = io.WriteString(c, fine)
			if connection == 0 {
				<-idle
				_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
				close(said)
				return
			}
		}
	})
	client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots})
	if _, err := client.Do(t.Context(), post(t, target, "{}")); err != nil {
		t.Fatal(err)
	}
	close(idle)
	<-said
	result, err := client.Do(t.Context(), post(t, target, "{}"))
	if err != nil || result.StatusCode != http.StatusOK || result.Reused {
		t.Errorf("result %+v, error %v", result, err)
	}
}

// held keeps what is written until it is released.
type held struct {
	net.Conn
	holding bool
	kept    bytes.Buffer
}

func (h *held) Write(p []byte) (int, error) {
	if h.holding {
		return h.kept.Write(p)
	}
	return h.Conn.Write(p)
}

func (h *held) release() {
	h.holding = false
	_, _ = h.kept.WriteTo(h.Conn)
}

// With TLS the unasked answer can have arrived already, where the operating system no longer sees it.
func TestUnaskedAnswerInTheSamePacketIsNotTaken(t *testing.T) {
	t.Parallel()
	target := listen(t, "http", func(connection int, c net.Conn) {
		below := &held{Conn: c}
		secure := secured(below)
		in := bufio.NewReader(secure)
		for {
			if _, err := readRequest(in); err != nil {
				return
			}
			below.holding = true
			_, _ = io.WriteString(secure, fine)
			_, _ = io.WriteString(secure, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
			below.release()
		}
	})
	client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots})
	for range 2 {
		result, err := client.Do(t.Context(), post(t, strings.Replace(target, "http", "https", 1), "{}"))
		if err != nil || result.StatusCode != http.StatusOK || result.Reused {
			t.Errorf("result %+v, error %v", result, err)
		}
	}
}

func TestInterimAnswersArePassedOver(t *testing.T) {
	t.Parallel()
	interim := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	target := endpoint(t, "http", func(int, int) string { return interim + fine })
	client := newClient(t, egress.Config{Guard: loopback(t)})
	for _, reused := range []bool{false, true} {
		result, err := client.Do(t.Context(), post(t, target, "{}"))
		if err != nil || result.StatusCode != http.StatusOK || result.Header.Get("Link") != "" || result.Reused != reused {
			t.Errorf("result %+v, error %v", result, err)
		}
	}
}

// However long the request is, an endpoint need not read it all before it answers.
func TestEndpointMayAnswerWithoutReading(t *testing.T) {
	t.Parallel()
	overBoth(t, endpointMayAnswerWithoutReading)
}

func endpointMayAnswerWithoutReading(t *testing.T, scheme string) {
	for _, size := range []int{1 << 10, 64 << 10, 64<<10 + 1, 8 << 20} {
		over := make(chan struct{})
		target := listen(t, scheme, func(_ int, c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			<-over
		})
		client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots})
		result, err := client.Do(t.Context(), post(t, target, strings.Repeat("x", size)))
		if err != nil || result.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes: result %+v, error %v", size, result, err)
		}
		close(over)
	}
}

func TestEndlessInterimAnswersEnd(t *testing.T) {
	t.Parallel()
	overBoth(t, endlessInterimAnswersEnd)
}

func endlessInterimAnswersEnd(t *testing.T, scheme string) {
	target := listen(t, scheme, func(_ int, c net.Conn) {
		_, _ = readRequest(bufio.NewReader(c))
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
		}
	})
	_, err := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots}).Do(t.Context(), post(t, target, "{}"))
	e := expectKind(t, err, egress.KindOther)
	if !strings.Contains(e.Message, "headers exceeded 65536 bytes") {
		t.Errorf("message is %q", e.Message)
	}
}

// PUT goes through net/http's transport: whatever an endpoint says, both ways must tell the same.
func TestBothWaysTellTheSame(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		fine, hangUp, "HTTP/1.", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/9.1 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 16<<10) + "\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil the end",
	} {
		target := rawReceiver(t, answer)
		client := newClient(t, egress.Config{Guard: loopback(t)})
		told := make([]string, 0, 2)
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			request := post(t, target, "{}")
			request.Method = method
			result, err := client.Do(t.Context(), request)
			told = append(told, tell(result, err))
		}
		if told[0] != told[1] {
			t.Errorf("after %.60q:\n  POST %s\n  PUT  %s", answer, told[0], told[1])
		}
	}
}

func tell(result egress.Result, err error) string {
	var e *egress.Error
	if errors.As(err, &e) {
		return e.Kind.String() + ": " + e.Message
	}
	return strconv.Itoa(result.StatusCode) + " " + string(result.Body) + " from " + result.Address
}

func TestBothWaysSendTheSame(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 1)
	target := listen(t, "http", func(_ int, c net.Conn) {
		var raw bytes.Buffer
		_, _ = readRequest(bufio.NewReader(io.TeeReader(c, &raw)))
		sent <- raw.String()
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	headers := []http.Header{
		{},
		{"User-Agent": {"Postrider/1"}, "X-B": {" padded\t"}, "X-A": {"1", "2"}, "Authorization": {"Bearer é"}},
		{"User-Agent": {""}, "X-Empty": {""}, "Host": {"other.example"}, "Content-Length": {"99"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"X"}},
	}
	client := newClient(t, egress.Config{Guard: loopback(t)})
	for _, path := range []string{"", "/", "?", "/a%2Fb c/ü?q=1&r=%20", "/?x=ü", "//double", "/*"} {
		for _, header := range headers {
			for _, body := range []string{"", "{}", strings.Repeat("x", 3000)} {
				told := make([]string, 0, 2)
				for _, method := range []string{http.MethodPost, http.MethodPut} {
					request := post(t, target+path, body)
					request.Method, request.Header = method, header.Clone()
					if _, err := client.Do(t.Context(), request); err != nil {
						t.Fatal(err)
					}
					told = append(told, strings.TrimPrefix(<-sent, method))
				}
				if told[0] != told[1] {
					t.Errorf("direct:\n%s\nnet/http:\n%s", told[0], told[1])
				}
			}
		}
	}
}

func TestNothingIsSmuggled(t *testing.T) {
	t.Parallel()
	client := newClient(t, egress.Config{Guard: loopback(t), Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, net.ErrClosed
	}})
	for name, value := range map[string]string{
		"X-Line": "a\r\nX-Other: b", "X-Feed": "a\nb", "X-Return": "a\rb", "X-Null": "a\x00b", "User-Agent": "a\r\n\r\nGET / HTTP/1.1",
		"X Space": "a", "X:Colon": "a", "X\r\nEnd": "a", "": "a", "Ü": "a",
	} {
		request := post(t, "http://127.0.0.1/", "{}")
		request.Header = http.Header{name: {value}}
		_, err := client.Do(t.Context(), request)
		if e := expectKind(t, err, egress.KindOther); !strings.Contains(e.Message, "invalid header") {
			t.Errorf("%q: %q is told as %q", name, value, e.Message)
		}
	}
}

// Requests that end at any moment leave nothing on a connection that another request could take for its answer.
func TestAnswersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	target := receiver(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	client := newClient(t, egress.Config{Guard: loopback(t)})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				if n%2 == 1 {
					go cancel()
				}
				body := strconv.Itoa(worker) + "/" + strconv.Itoa(n)
				result, err := client.Do(ctx, post(t, target, body))
				if e := (*egress.Error)(nil); errors.As(err, &e) && (n%2 == 0 || e.Kind != egress.KindCanceled) {
					t.Errorf("%s: %v", body, err)
				}
				if got := cmp.Or(string(result.Body), body); err == nil && got != body {
					t.Errorf("%s was answered %s", body, got)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}
