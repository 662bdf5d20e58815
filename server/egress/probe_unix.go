//go:build unix

package egress

import (
	"net"
	"syscall"
)

// probe asks the operating system whether an idle connection is as it was left. Nobody reads it meanwhile, so nobody
// else would notice that the endpoint has closed it, or has said something out of turn.
type probe struct {
	raw  syscall.RawConn // nil for connections that are no sockets; those are used on trust
	look func(fd uintptr) bool
	ok   bool
}

func (p *probe) prepare(c net.Conn) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	p.raw, p.look = raw, p.peek
}

// quiet returns false when the connection is closed or has bytes to read. It never waits.
func (p *probe) quiet() bool {
	if p.raw == nil {
		return true
	}
	p.ok = false
	return p.raw.Read(p.look) == nil && p.ok
}

// peek may consume a byte: then the connection is closed anyway.
func (p *probe) peek(fd uintptr) bool {
	var b [1]byte
	_, err := syscall.Read(int(fd), b[:])
	p.ok = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	return true
}
