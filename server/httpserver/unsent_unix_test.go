//go:build linux || darwin

package httpserver_test

import (
	"net"
	"net/http"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/postrider-dev/postrider/server/httpserver"
)

// accepted passes on the connections that a listener accepts.
type accepted struct {
	net.Listener
	conns chan net.Conn
}

func (a accepted) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err == nil {
		a.conns <- conn
	}
	return conn, err
}

// The operating system took 4 MiB of an answer that nobody read, for each connection.
func TestTheOperatingSystemKeepsLittleOfAnAnswer(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn, 8)
	serveOn(t, accepted{listener, conns}, httpserver.Config{API: waitForEnd})
	if response, _ := get(t, "http://"+listener.Addr().String()+"/healthz"); response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
	raw, err := (<-conns).(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	if err := raw.Control(func(fd uintptr) { most, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT) }); err != nil {
		t.Fatal(err)
	}
	if most != 256<<10 {
		t.Errorf("it keeps %d bytes that it has not sent, want 256 KiB", most)
	}
}
