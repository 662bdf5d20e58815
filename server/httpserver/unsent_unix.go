//go:build linux || darwin

package httpserver

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// boundUnsent limits the unsent data that the operating system buffers for a client that does not read. Connections do not inherit it
// from a listener that speaks Multipath TCP, as Go's do.
func boundUnsent(conn net.Conn) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	// Where it cannot be set the server works, with less memory left for others.
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	})
}
