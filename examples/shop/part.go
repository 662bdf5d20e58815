package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// stopTimeout is how long a part may take to end once it was told to.
const stopTimeout = 15 * time.Second

// part is one program of the shop.
type part struct {
	name    string
	command []string
	env     []string
	// announces finds what the part says of itself when it is ready; nil where nobody waits.
	announces *regexp.Regexp
}

// stage is where parts run side by side and where what they say is shown.
type stage struct {
	group *errgroup.Group

	mu  sync.Mutex
	out io.Writer
}

// say shows one line.
func (s *stage) say(name, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.out, "%-9s %s\n", name, line)
}

// start runs a part until ctx ends and answers what it announces. A part that fails ends the others.
func (s *stage) start(ctx context.Context, p part) (announced string, err error) {
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this program, which then ends its parts
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	said, says := io.Pipe()
	cmd.Stdout, cmd.Stderr = says, says
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start the %s: %w", p.name, err)
	}
	found := make(chan string, 1)
	s.group.Go(func() error { return s.listen(said, p, found) })
	s.group.Go(func() error {
		err := cmd.Wait()
		_ = says.Close()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("the %s: %w", p.name, err)
		}
		return nil
	})
	if p.announces == nil {
		return "", nil
	}
	announced, ok := <-found
	if !ok {
		return "", fmt.Errorf("the %s ended before it was ready", p.name)
	}
	return announced, nil
}

// listen shows what a part says, and passes on what it announces. found is closed when there is no more.
func (s *stage) listen(said io.Reader, p part, found chan<- string) error {
	defer close(found)
	lines := bufio.NewScanner(said)
	for waiting := p.announces != nil; lines.Scan(); {
		s.say(p.name, lines.Text())
		if waiting {
			if match := p.announces.FindStringSubmatch(lines.Text()); match != nil {
				found <- match[1]
				waiting = false
			}
		}
	}
	return lines.Err()
}
