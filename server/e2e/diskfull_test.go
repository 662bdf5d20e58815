package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// readyz returns what a server says of its readiness; "" while it does not answer.
func (s *server) readyz() string {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(s.url() + "/readyz")
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return strings.TrimSpace(string(body))
}

// awaitReadyz waits until the server says that of its readiness.
func (s *server) awaitReadyz(want string) {
	s.t.Helper()
	for until := time.Now().Add(patience); !strings.HasPrefix(s.readyz(), want); time.Sleep(pollEvery) {
		select {
		case <-s.current().ended:
			s.t.Fatalf("the process ended: %v\n%s", s.current().cmd.ProcessState, s.current().log)
		default:
		}
		if time.Now().After(until) {
			s.t.Fatalf("readyz says %q, want %q\n%s", s.readyz(), want, s.current().log)
		}
	}
}

func (c *client) tryPublish(id string, size int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := c.events.Publish(ctx, connect.NewRequest(&postriderv1.PublishRequest{Event: &postriderv1.Event{
		Type: "note", Id: id, Payload: &postriderv1.Event_JsonData{JsonData: `{"t":"` + strings.Repeat("x", size) + `"}`},
	}}))
	return err
}

// readyz said ok while the disk was full, and the server could not be started again while it was.
func TestFullDisk(t *testing.T) {
	s := newServer(t)
	if err := syscall.Mount("tmpfs", s.data, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("SKIPPED, LOUDLY: a small disk can be mounted by root only: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(s.data, syscall.MNT_DETACH) })
	s.mustStart()
	c := newClient(s)
	for i := range 20 {
		if err := c.tryPublish(fmt.Sprint("before", i), 1000); err != nil {
			t.Fatal(err)
		}
	}
	filler := filepath.Join(s.data, "filler")
	fill(t, filler)
	s.awaitReadyz("not ready: the disk is full")
	refused := func() {
		t.Helper()
		err := c.tryPublish("large", 500_000)
		var e *connect.Error
		if !errors.As(err, &e) || e.Code() != connect.CodeUnavailable {
			t.Fatalf("publish on a full disk: %v, want unavailable", err)
		}
	}
	refused()
	for name, end := range map[string]func(){"killed": s.kill, "stopped": s.stop} {
		end()
		s.launch()
		s.awaitReadyz("not ready: the disk is full")
		if n := len(c.log(t)); n != 20 {
			t.Errorf("%s: %d events can be read, want 20", name, n)
		}
		refused()
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.awaitReadyz("ok")
	if err := c.tryPublish("large", 500_000); err != nil {
		t.Fatalf("publish after there was room: %v", err)
	}
	s.kill()
	s.mustStart()
	if n := len(c.log(t)); n != 21 {
		t.Errorf("%d events in the end, want 21", n)
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, size := range []int{1 << 20, 4096, 1} {
		for {
			if _, err := f.Write(bytes.Repeat([]byte{1}, size)); err != nil {
				break
			}
		}
	}
}

// A file that may not grow is refused like a full disk, and by the same rule not by the end of the process.
func TestLargestFileIsReached(t *testing.T) {
	s := newServer(t)
	s.limits = []string{"-f 8192"} // blocks of 512 bytes: 4 MiB
	s.mustStart()
	c := newClient(s)
	var err error
	stored := 0
	for ; err == nil && stored < 100; stored++ {
		err = c.tryPublish(fmt.Sprint("e", stored), 200_000)
	}
	stored--
	var e *connect.Error
	if !errors.As(err, &e) || e.Code() != connect.CodeUnavailable {
		t.Fatalf("the last publish: %v, want unavailable", err)
	}
	if n := len(c.log(t)); n != stored {
		t.Errorf("%d events can be read, want %d", n, stored)
	}
	s.awaitReadyz("ok") // a small write still fits
}
