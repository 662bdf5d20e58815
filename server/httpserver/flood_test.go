package httpserver_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/postrider-dev/postrider/server/httpserver"
)

// frames is a connection that speaks HTTP/2 frame by frame.
type frames struct {
	*http2.Framer
	conn net.Conn
	next uint32
}

func speakFrames(t *testing.T, url string) *frames {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return speakFramesOver(t, conn)
}

func speakFramesOver(t *testing.T, conn net.Conn) *frames {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, http2.ClientPreface)
	f := &frames{http2.NewFramer(conn, conn), conn, 1}
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return f
}

// answered waits until the server has read all that was sent.
func (f *frames) answered(t *testing.T) {
	t.Helper()
	if err := f.WritePing(false, [8]byte{1}); err != nil {
		t.Fatal(err)
	}
	f.acknowledged(t)
}

// acknowledged reads on until a ping is acknowledged.
func (f *frames) acknowledged(t *testing.T) {
	t.Helper()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ended: %v", err)
		}
		if ping, ok := frame.(*http2.PingFrame); ok && ping.IsAck() {
			return
		}
	}
}

func waitForEnd(mux *http.ServeMux) {
	mux.HandleFunc("/wait", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// A client that opens calls only to give them up (CVE-2023-44487) is read slowly, on whichever connection it does that, and the
// others do not notice.
func TestAnAddressThatGivesUpCallAfterCallIsReadSlowly(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: waitForEnd})
	began := time.Now()
	for range 5 {
		f := speakFrames(t, url)
		for range 1000 {
			f.giveUp(t)
		}
		f.answered(t)
	}
	// 2,000 are let through at once, and 1,000 a second.
	if took := time.Since(began); took < 2500*time.Millisecond {
		t.Errorf("5,000 calls were begun and given up within %v", took)
	}
	if response, body := get(t, url+"/healthz"); response.StatusCode != http.StatusOK {
		t.Errorf("another client gets %d %q", response.StatusCode, body)
	}
}

// So is one that has the server reset its calls, by frames that break the rules.
func TestAnAddressThatHasItsCallsResetIsReadSlowly(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: waitForEnd})
	began := time.Now()
	for range 5 {
		f := speakFrames(t, url)
		f.AllowIllegalWrites = true
		for range 1000 {
			f.open(t)
			if err := f.WriteWindowUpdate(f.next-2, 0); err != nil {
				t.Fatal(err)
			}
		}
		for resets := 0; resets < 1000; {
			frame, err := f.ReadFrame()
			if err != nil {
				t.Fatalf("the connection ended after %d resets: %v", resets, err)
			}
			if frame.Header().Type == http2.FrameRSTStream {
				resets++
			}
		}
	}
	// What resets cost is paid with the next read, so the last of each connection are not.
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Errorf("5,000 calls were begun and reset within %v", took)
	}
}

// So is one that sends other frames that bring nothing.
func TestAnAddressThatPingsAllTheTimeIsReadSlowly(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: waitForEnd})
	began := time.Now()
	f := speakFrames(t, url)
	go func() { // The acknowledgements are read meanwhile, for net/http ends a connection for which too many wait.
		for range 40_000 {
			_ = f.WritePing(false, [8]byte{2})
		}
	}()
	for pings := 0; pings < 40_000; {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ended after %d pings: %v", pings, err)
		}
		if ping, ok := frame.(*http2.PingFrame); ok && ping.IsAck() {
			pings++
		}
	}
	// 20,000 are let through at once, and 10,000 a second.
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Errorf("40,000 pings were answered within %v", took)
	}
}

// So is one that opens its window further all the time, though nothing is sent to it.
func TestAnAddressThatOpensItsWindowAllTheTimeIsReadSlowly(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: waitForEnd})
	began := time.Now()
	f := speakFrames(t, url)
	for range 40_000 {
		if err := f.WriteWindowUpdate(0, 1); err != nil {
			t.Fatal(err)
		}
	}
	f.answered(t)
	// 20,000 are let through at once, and 10,000 a second.
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Errorf("40,000 window updates were taken within %v", took)
	}
}

// So is one whose calls have many fields, each of which takes one byte.
func TestAnAddressThatSendsManyFieldsIsReadSlowly(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: waitForEnd})
	began := time.Now()
	f := speakFrames(t, url)
	go f.sendLists(4000, slices.Repeat([]string{"x-b", "c"}, 350))
	f.acknowledged(t)
	// 2,200 lists are let through at once, and 1,100 a second.
	if took := time.Since(began); took < 1200*time.Millisecond {
		t.Errorf("4,000 calls with 354 fields were read within %v", took)
	}
}

// sendLists begins and ends calls, in padded frames and others, and sends a ping at the end.
func (f *frames) sendLists(calls int, fields []string) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := range calls {
		block.Reset()
		for all := slices.Concat([]string{":method", "GET", ":scheme", "http", ":authority", "x", ":path", "/x"}, fields); len(all) > 0; all = all[2:] {
			_ = encoder.WriteField(hpack.HeaderField{Name: all[0], Value: all[1]})
		}
		param := http2.HeadersFrameParam{StreamID: f.next, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true}
		if i%2 == 0 {
			param.PadLength, param.Priority = 200, http2.PriorityParam{Weight: 1}
		}
		_ = f.WriteHeaders(param)
		f.next += 2
	}
	_ = f.WritePing(false, [8]byte{1})
}

// However many calls a client begins at once, only some are begun by the server before the others have had their turns.
// All goroutines of the process are counted, so this test is not parallel.
func TestCallsThatWaitForTheirTurnAreNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, network := make(chan struct{}), newPipes()
		serve(t, network, func(http.ResponseWriter, *http.Request) { <-end })
		conn, err := network.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		f := speakFramesOver(t, conn)
		before := runtime.NumGoroutine()
		out := bufio.NewWriterSize(f.conn, 1<<20)
		f.Framer = http2.NewFramer(out, f.conn)
		for range 900 {
			f.begin(t, "GET", "/stream", true)
		}
		written := make(chan error)
		go func() {
			_ = out.Flush() // It returns when all calls are read.
			_ = f.WritePing(false, [8]byte{1})
			written <- out.Flush()
		}()
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n < 64 || n > 100 {
			t.Errorf("%d goroutines serve 900 calls of which 8 have their turn", n)
		}
		close(end)
		f.acknowledged(t)
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
}

// Calls that are begun by the thousand in one moment are worked on a few at a time, so that each step of another client's call
// waits behind a few, although these have their bodies and no turn is theirs any more. With one processor the figure is a steady
// one, so this test is not parallel.
func TestCallsThatComeAtOnceAreWorkedOnFewAtATime(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var atWork, most atomic.Int32
	url := start(t, httpserver.Config{API: func(mux *http.ServeMux) {
		mux.HandleFunc("POST /work", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			most.Store(max(most.Load(), atWork.Add(1)))
			for range 3 {
				_ = http.NewResponseController(w).Flush()
				_, _ = w.Write([]byte("part"))
			}
			atWork.Add(-1)
		})
	}})
	const connections, calls = 4, 250
	var answering sync.WaitGroup
	for range connections {
		f := speakFrames(t, url)
		f.answered(t)
		out := bufio.NewWriterSize(f.conn, 1<<20)
		f.Framer = http2.NewFramer(out, f.conn)
		for range calls {
			f.begin(t, "POST", "/work", false)
			_ = f.WriteData(f.next-2, true, []byte("body"))
		}
		_ = f.WritePing(false, [8]byte{1})
		answering.Go(func() {
			_ = out.Flush()
			f.acknowledged(t)
		})
	}
	answering.Wait()
	// Mostly 3 to 5. A machine that is busy with other things stops the reader of the responses for a while: up to 52 were seen.
	if most.Load() > 100 {
		t.Errorf("%d of %d calls were worked on at a time", most.Load(), connections*calls)
	}
}

// open begins a call that has no body.
func (f *frames) open(t *testing.T) {
	t.Helper()
	f.begin(t, "GET", "/wait", true)
}

func (f *frames) begin(t *testing.T, method, path string, whole bool) {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", method}, {":scheme", "http"}, {":authority", "x"}, {":path", path}} {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1], Sensitive: true})
	}
	err := f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: f.next, BlockFragment: block.Bytes(), EndStream: whole, EndHeaders: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.next += 2
}

// giveUp begins a call and gives it up at once.
func (f *frames) giveUp(t *testing.T) {
	t.Helper()
	f.open(t)
	if err := f.WriteRSTStream(f.next-2, http2.ErrCodeCancel); err != nil {
		t.Fatal(err)
	}
}

// Calls that are given up now and then, as by a deadline, cost nobody any time.
func TestAConnectionThatGivesUpSomeCallsIsReadOn(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: waitForEnd})
	f := speakFrames(t, url)
	for range 500 {
		f.giveUp(t)
	}
	f.answered(t)
}

// Calls whose bodies do not come are refused where they are many, and the connection takes no more.
func TestCallsWithoutTheirBodiesAreFew(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: func(mux *http.ServeMux) {
		mux.HandleFunc("POST /read", func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
	}})
	f := speakFrames(t, url)
	for range 300 {
		f.begin(t, "POST", "/read", false)
	}
	for answered, leaves := 0, false; answered == 0 || !leaves; {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ended after %d answers: %v", answered, err)
		}
		switch frame.Header().Type {
		case http2.FrameHeaders:
			answered++
		case http2.FrameGoAway:
			leaves = true
		default:
		}
	}
}

// Responses that nobody reads keep nobody else of their address waiting to be let in. Those of as many calls as are let in at a
// time did, for half a minute.
func TestAnswersThatAreNotReadKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	writing := make(chan struct{}, 16)
	url := start(t, httpserver.Config{API: func(mux *http.ServeMux) {
		mux.HandleFunc("/wait", func(w http.ResponseWriter, _ *http.Request) {
			writing <- struct{}{}
			_, _ = w.Write(make([]byte, 1<<20))
		})
	}})
	for range 2 {
		f := speakFrames(t, url)
		if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			f.open(t)
		}
	}
	for range 16 {
		<-writing
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("another client of the address: %v", err)
	}
	_ = response.Body.Close()
}
