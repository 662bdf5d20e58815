package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = time.Minute
	stopTimeout  = 30 * time.Second
	// patience is for what must happen. It ends only what would hang: a busy machine may need long.
	patience  = time.Minute
	pollEvery = 10 * time.Millisecond
)

// server is bin/postrider on one address and one data folder, started as often as a test likes.
type server struct {
	t       testing.TB
	address string
	data    string
	// flags and environment come on top of what every server gets.
	flags, environment []string
	// limits are what ulimit is asked to bound before each start, such as "-n 256".
	limits []string

	mu   sync.Mutex
	life *life
}

// life is one process from start to end.
type life struct {
	cmd *exec.Cmd
	log *tailBuffer
	// ready is when it first answered /readyz.
	ready time.Time
	// ended is closed once it is gone.
	ended chan struct{}
}

func newServer(t testing.TB, flags ...string) *server {
	t.Helper()
	s := &server{t: t, address: freeAddress(t), data: t.TempDir(), flags: flags}
	t.Cleanup(s.kill)
	return s
}

func (s *server) url() string { return "http://" + s.address }

// start starts it and waits until it is ready. The error tells of a process that ended before.
func (s *server) start(environment ...string) (*life, error) {
	s.t.Helper()
	l := s.launch(environment...)
	return l, s.waitReady(l)
}

// launch starts it and does not wait.
func (s *server) launch(environment ...string) *life {
	s.t.Helper()
	args := append([]string{
		"serve", "--listen", s.address, "--data", s.data, "--allow-targets", "127.0.0.0/8",
		"--schemas", fromTop(s.t, "gen/descriptors/shop.v1.binpb"), "--log-level", "warn",
	}, s.flags...)
	l := &life{cmd: s.command(binaryPath(s.t), args), log: &tailBuffer{}, ended: make(chan struct{})}
	l.cmd.Env = append(append(append(os.Environ(), "POSTRIDER_ADMIN_KEY="+adminKey), s.environment...), environment...)
	l.cmd.Stdout, l.cmd.Stderr = l.log, l.log
	if err := l.cmd.Start(); err != nil {
		s.t.Fatalf("start: %v (make build makes the binary)", err)
	}
	go func() {
		_ = l.cmd.Wait()
		close(l.ended)
	}()
	s.mu.Lock()
	s.life = l
	s.mu.Unlock()
	return l
}

func (s *server) command(binary string, args []string) *exec.Cmd {
	if len(s.limits) == 0 {
		return exec.Command(binary, args...)
	}
	script := "ulimit " + strings.Join(s.limits, " && ulimit ") + ` && exec "$@"`
	return exec.Command("sh", append([]string{"-c", script, "sh", binary}, args...)...)
}

// mustStart is start for a process that has no reason to end.
func (s *server) mustStart(environment ...string) *life {
	s.t.Helper()
	l, err := s.start(environment...)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

func (s *server) waitReady(l *life) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	for {
		if response, err := client.Get(s.url() + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				l.ready = time.Now()
				return nil
			}
		}
		select {
		case <-poll.C:
		case <-l.ended:
			return fmt.Errorf("ended before it was ready: %v\n%s", l.cmd.ProcessState, l.log)
		case <-timeout.C:
			return fmt.Errorf("not ready within %v\n%s", startTimeout, l.log)
		}
	}
}

// current is the newest life, nil before the first.
func (s *server) current() *life {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life
}

// kill is kill -9. It returns when the process is gone.
func (s *server) kill() {
	if l := s.current(); l != nil {
		_ = l.cmd.Process.Kill()
		<-l.ended
	}
}

// stop is SIGTERM.
func (s *server) stop() {
	s.t.Helper()
	l := s.current()
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("stop: %v", err)
	}
	select {
	case <-l.ended:
	case <-time.After(stopTimeout):
		s.t.Fatalf("still there %v after SIGTERM\n%s", stopTimeout, l.log)
	}
	if code := l.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Fatalf("ended with code %d after SIGTERM\n%s", code, l.log)
	}
}

func binaryPath(t testing.TB) string {
	if given := os.Getenv("POSTRIDER_TEST_BINARY"); given != "" {
		return given
	}
	return fromTop(t, "bin/postrider")
}

// freeAddress returns a loopback address that stays free between two lives of a server: below the ports which the
// kernel hands out, so that no outgoing connection takes it in the meantime.
func freeAddress(t testing.TB) string {
	t.Helper()
	random := newRandom(uint64(time.Now().UnixNano()), os.Getpid())
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(12000+random.IntN(8000)))
		listener, err := net.Listen("tcp", address)
		if err == nil {
			_ = listener.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// tailBuffer keeps the last of what is written to it.
type tailBuffer struct {
	mu   sync.Mutex
	kept []byte
}

const tailBytes = 16 << 10

func (b *tailBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, p...)
	if len(b.kept) > 2*tailBytes {
		b.kept = bytes.Clone(b.kept[len(b.kept)-tailBytes:])
	}
	return len(p), nil
}

func (b *tailBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.kept)
}

// pause waits, and reports whether the context is still alive.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// eventually polls until the condition holds; it fails the test when that takes longer than the timeout.
func eventually(t testing.TB, timeout time.Duration, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", timeout, what)
		}
	}
}
