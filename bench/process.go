package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const adminKey = "bench-admin-key-0123456789"

// process is a part of the measurement that runs as a process of its own, so that its CPU time is separate from the load
// generator's.
type process struct {
	cmd     *exec.Cmd
	address string
	// side is the address at which a server reports its memory.
	side   string
	output bytes.Buffer
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// start runs this program in one of its other roles.
func start(address string, env []string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self, args...), address: address}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, p.awaitPort()
}

func (p *process) awaitPort() error {
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		conn, err := net.Dial("tcp", p.address)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.stop()
	return fmt.Errorf("%s did not start: %s", strings.Join(p.cmd.Args[1:], " "), p.output.String())
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-done
	}
}

// cpu returns the processor time that the process has used so far.
func (p *process) cpu() time.Duration {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / 100 // USER_HZ
}

// startSink starts a receiver. With the file of a certificate and addresses it also listens there over TLS.
func startSink(secure ...string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return start(address, nil, append([]string{"sink", address}, secure...)...)
}

// startServer starts Postrider on an empty database. With noStore only store.Append is replaced.
func startServer(folder string, noStore bool, env ...string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	role := "server"
	if noStore {
		role = "server-without-store"
	}
	side, err := freeAddress()
	if err != nil {
		return nil, err
	}
	env = append(env, "POSTRIDER_ADMIN_KEY="+adminKey, sideVariable+"="+side)
	p, err := start(address, env, role, address, folder)
	if err != nil {
		return nil, err
	}
	p.side = side
	return p, awaitReady(p)
}

func awaitReady(p *process) error {
	for range 200 {
		response, err := http.Get("http://" + p.address + "/readyz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.stop()
	return fmt.Errorf("server is not ready: %s", p.output.String())
}
