package main_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 60 * time.Second

// program is a running program and what it has said.
type program struct {
	cmd   *exec.Cmd
	ended chan error

	mu   sync.Mutex
	said []string
	more chan struct{} // closed and made anew with each line
}

// startProgram runs a program in a folder, until the test ends.
func startProgram(t *testing.T, folder string, env []string, name string, arguments ...string) *program {
	t.Helper()
	cmd := exec.Command(name, arguments...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
	said, says := io.Pipe()
	cmd.Stdout, cmd.Stderr = says, says
	p := &program{cmd: cmd, ended: make(chan error, 1), more: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start: %v (make build makes bin/postrider)", err)
	}
	go p.listen(said)
	go func() {
		p.ended <- cmd.Wait()
		_ = says.Close()
	}()
	t.Cleanup(func() { p.stop(t) })
	return p
}

func (p *program) listen(said io.Reader) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		p.mu.Lock()
		p.said = append(p.said, lines.Text())
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
}

// await waits for a line and answers the last group in it, or all that matched.
func (p *program) await(t *testing.T, pattern string) string {
	t.Helper()
	line, limit := regexp.MustCompile(pattern), time.After(patience)
	for {
		p.mu.Lock()
		said, more := p.said, p.more
		p.mu.Unlock()
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

// stop ends the program as an operator does.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop: %v", err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Errorf("still there %v after SIGTERM", patience)
	}
}
