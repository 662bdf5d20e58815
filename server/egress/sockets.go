package egress

import (
	"errors"
	"sync/atomic"
)

var errNoSocket = errors.New("as many connections are open as may be")

// sockets limits the open connections, including idle ones, which are closed first.
type sockets struct {
	limit  int64 // 0 for any number
	open   atomic.Int64
	giveUp func() (some bool)
}

// enter reports whether one more connection may be opened; call leave when it is closed.
func (s *sockets) enter() bool {
	for s.open.Add(1) > s.limit && s.limit > 0 {
		s.open.Add(-1)
		if !s.giveUp() && s.open.Load() >= s.limit {
			return false
		}
	}
	return true
}

func (s *sockets) leave() { s.open.Add(-1) }

// giveUpIdle closes a connection that nothing is sent over: the one that waits longest among those of direct, else among those of
// Dial, else all of net/http, which does not let them be closed one by one. It reports whether there may be more.
func (c *Client) giveUpIdle() bool {
	if c.plain.direct.idle.giveUp() || c.secure.direct.idle.giveUp() || c.longLived.giveUp() {
		return true
	}
	c.plain.transport.CloseIdleConnections()
	c.secure.transport.CloseIdleConnections()
	return false
}
