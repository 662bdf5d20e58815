package e2e_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/client/signature"
)

// receiver is one subscription's endpoint. It verifies every request and writes what it answered into its ledger.
type receiver struct {
	url    string
	secret signature.Secret
	ledger *ledger
	// answer says what to answer the next request with, and after how long.
	answer func() (status int, wait time.Duration)

	listener *swallower
	server   *http.Server
	mu       sync.Mutex
	open     map[net.Conn]bool
	// unverified counts requests whose signature does not fit.
	unverified int
}

func newReceiver(t testing.TB, answer func() (int, time.Duration)) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{
		url: "http://" + listener.Addr().String() + "/hook", secret: signature.NewSecret(), ledger: newLedger(),
		answer: answer, listener: &swallower{Listener: listener}, open: map[net.Conn]bool{},
	}
	r.server = &http.Server{Handler: r, ConnState: r.note, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(r.listener) }()
	t.Cleanup(func() {
		r.listener.heal()
		_ = r.server.Close()
	})
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil { // the sender died while it was sending
		return
	}
	if err := signature.Verify([]signature.Secret{r.secret}, request.Header, body, time.Now()); err != nil {
		r.mu.Lock()
		r.unverified++
		r.mu.Unlock()
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	status, wait := r.answer()
	// Also when the sender is gone by then: it may have been the answer that was lost.
	pause(context.Background(), wait)
	r.ledger.arrive(request.Header.Get(signature.HeaderID), body, status < 300)
	w.WriteHeader(status)
}

// note keeps track of the open connections.
func (r *receiver) note(conn net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch state {
	case http.StateNew:
		r.open[conn] = true
	case http.StateClosed, http.StateHijacked:
		delete(r.open, conn)
	}
}

// quiet reports whether everything that a dead sender had sent is in the ledger: its connections have ended.
func (r *receiver) quiet() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open) == 0
}

func (r *receiver) badSignatures() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unverified
}

// swallower is a listener that, while it swallows, accepts connections and leaves them without an answer.
type swallower struct {
	net.Listener
	mu        sync.Mutex
	swallows  bool
	swallowed []net.Conn
	total     int
}

func (s *swallower) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil || !s.take(conn) {
			return conn, err
		}
	}
}

func (s *swallower) take(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.swallows {
		s.swallowed = append(s.swallowed, conn)
		s.total++
	}
	return s.swallows
}

func (s *swallower) swallow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swallows = true
}

// heal lets new connections through and ends the swallowed ones. It returns how many there were.
func (s *swallower) heal() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swallows = false
	for _, conn := range s.swallowed {
		_ = conn.Close()
	}
	s.swallowed = nil
	return s.total
}

// answerOK returns at once.
func answerOK() (int, time.Duration) { return http.StatusNoContent, 0 }

// jittered returns OK after up to most.
func jittered(random *rand.Rand, most time.Duration) func() (int, time.Duration) {
	var mu sync.Mutex
	return func() (int, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		return http.StatusNoContent, time.Duration(random.Int64N(int64(most)))
	}
}

// sometimesSlow returns OK, one time in n after more than a second.
func sometimesSlow(random *rand.Rand, n int) func() (int, time.Duration) {
	var mu sync.Mutex
	return func() (int, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(n) == 0 {
			return http.StatusNoContent, 1200 * time.Millisecond
		}
		return http.StatusNoContent, 0
	}
}

// failing returns three of every ten requests with a 5xx, in random order.
func failing(random *rand.Rand) func() (int, time.Duration) {
	var mu sync.Mutex
	var answers []int
	return func() (int, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if len(answers) == 0 {
			answers = []int{500, 502, 504, 204, 204, 204, 204, 204, 204, 204}
			random.Shuffle(len(answers), func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
		}
		status := answers[0]
		answers = answers[1:]
		return status, 0
	}
}
