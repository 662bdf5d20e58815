package store_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// ownPostgres is a PostgreSQL server of one test, which the test can stop and start.
type ownPostgres struct {
	t              testing.TB
	bin, dir, port string
	url            string
	as             *syscall.Credential
}

// newPostgres starts a PostgreSQL server. Without an installed PostgreSQL it skips the test, except in CI, where it fails.
func newPostgres(t testing.TB) *ownPostgres {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 && os.Getenv("CI") == "true" {
		t.Fatal("initdb is not installed: CI may not skip the restarts of PostgreSQL")
	}
	if len(found) == 0 {
		t.Skip("*** SKIPPED: restarts of PostgreSQL are not tested, initdb is not installed ***")
	}
	dir, err := os.MkdirTemp("", "postrider-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	_ = listener.Close()
	p := &ownPostgres{t: t, bin: filepath.Dir(slices.Max(found)), dir: dir, port: port}
	p.url = fmt.Sprintf("postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable", port)
	p.leaveRoot()
	t.Cleanup(func() {
		_ = p.run("pg_ctl", "-D", p.data(), "-m", "immediate", "stop")
		_ = os.RemoveAll(dir)
	})
	p.must("initdb", "-D", p.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
	p.start()
	return p
}

func (p *ownPostgres) data() string { return filepath.Join(p.dir, "data") }

// leaveRoot gives the folder to a user other than root, because PostgreSQL does not run as root.
func (p *ownPostgres) leaveRoot() {
	if os.Getuid() != 0 {
		return
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(account.Uid, 10, 32)
		gid, _ := strconv.ParseUint(account.Gid, 10, 32)
		if err := os.Chown(p.dir, int(uid), int(gid)); err != nil {
			p.t.Fatal(err)
		}
		p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return
	}
	p.t.Fatal("no user to run PostgreSQL as")
}

func (p *ownPostgres) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	// The output goes to a file: a server that this command starts would keep a pipe open.
	log, err := os.OpenFile(filepath.Join(p.dir, "commands"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%s: %w\n%s", program, err, said)
	}
	return nil
}

func (p *ownPostgres) must(program string, args ...string) {
	p.t.Helper()
	if err := p.run(program, args...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *ownPostgres) start() {
	p.t.Helper()
	p.must("pg_ctl", "-D", p.data(), "-l", filepath.Join(p.dir, "log"), "-w", "-s",
		"-o", fmt.Sprintf("-p %s -k %s -c listen_addresses=127.0.0.1 -c fsync=off", p.port, p.dir), "start")
}

// stop stops the server in a mode of pg_ctl: fast ends the sessions, immediate is like a crash.
func (p *ownPostgres) stop(mode string) {
	p.t.Helper()
	p.must("pg_ctl", "-D", p.data(), "-w", "-s", "-m", mode, "stop")
}

// retryAfter returns the retry hint of an error; 0 for none.
func retryAfter(err error) time.Duration {
	var known *gateway.Error
	if !errors.As(err, &known) {
		return 0
	}
	return known.RetryAfter
}
