// Package main_test looks at the shop as its users do: it starts it, and looks at what each part says.
package main_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 30 * time.Second

// TestAnOrderGoesThroughEveryPart runs the shop for one order and its payment.
func TestAnOrderGoesThroughEveryPart(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-orders", "1")
	page := s.await(t, `^page +(\S+)$`)
	order := s.await(t, `^producer +order (\d+) is placed$`)
	ledger := s.await(t, `^consumer +order `+order+` is booked as (\d{16}): owed \d+\.\d\d EUR$`)
	s.await(t, `^receiver +order `+order+` is invoiced over \d+\.\d\d EUR as `+ledger+` \(created:`+order+`\)$`)
	s.await(t, `^producer +order `+order+` is paid$`)
	s.await(t, `^consumer +order `+order+` is settled: owed 0\.00 EUR$`)
	s.await(t, `^receiver +order `+order+` is paid by card$`)
	t.Run("page", func(t *testing.T) {
		row := look(t, page)
		want := regexp.MustCompile(`^` + order + ` \| ` + ledger + ` \| \d+\.\d\d EUR \| paid by visa$`)
		if !want.MatchString(row) {
			t.Errorf("the page shows %q, want %s", row, want)
		}
	})
}

// shop is a running shop.
type shop struct {
	cmd   *exec.Cmd
	ended chan error

	mu   sync.Mutex
	said []string
	more chan struct{} // closed and made anew with each line
}

func startShop(t *testing.T, flags ...string) *shop {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "shop")
	if text, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	for _, built := range []string{"../../bin/postrider", "dist/page/index.html", "dist/receiver/main.js"} {
		if _, err := os.Stat(built); err != nil {
			t.Fatalf("%v (make test-go builds it)", err)
		}
	}
	cmd := exec.Command(binary, append([]string{"-listen", "127.0.0.1:0", "-page", "127.0.0.1:0"}, flags...)...)
	cmd.Dir = "../.."
	said, says := io.Pipe()
	cmd.Stdout, cmd.Stderr = says, says
	s := &shop{cmd: cmd, ended: make(chan error, 1), more: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.listen(said)
	go func() {
		s.ended <- cmd.Wait()
		_ = says.Close()
	}()
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *shop) listen(said io.Reader) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		s.mu.Lock()
		s.said = append(s.said, lines.Text())
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
	}
}

// await waits for a line and answers the group in it, if there is one.
func (s *shop) await(t *testing.T, pattern string) string {
	t.Helper()
	line, limit := regexp.MustCompile(pattern), time.After(patience)
	for {
		s.mu.Lock()
		said, more := s.said, s.more
		s.mu.Unlock()
		for _, text := range said {
			if match := line.FindStringSubmatch(text); match != nil {
				return match[len(match)-1]
			}
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("nothing like %s in\n%s", pattern, strings.Join(said, "\n"))
		}
	}
}

// stop ends the shop as Ctrl-C does.
func (s *shop) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop: %v", err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Errorf("still there %v after SIGTERM", patience)
	}
}

// look answers what the page shows in Chromium of the first paid order.
func look(t *testing.T, url string) string {
	t.Helper()
	cmd := exec.Command("node", "testdata/look.mjs", url, chromium(t))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	row, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("look at the page: %v\n%s", err, &complaints)
	}
	return strings.TrimSpace(string(row))
}

// chromium answers the browser that tools/with-services found. Without one the test is skipped, in CI it fails.
func chromium(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("POSTRIDER_TEST_CHROMIUM"); given != "" {
		return given
	}
	if path, err := exec.LookPath("chromium"); err == nil {
		return path
	}
	const missing = "there is no Chromium: install one or set POSTRIDER_TEST_CHROMIUM"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	fmt.Println("SKIPPED: " + missing)
	t.Skip(missing)
	return ""
}
