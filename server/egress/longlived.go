package egress

import (
	"container/list"
	"errors"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// longLivedShare is the number of connections that a tenant may have for each that is free: three quarters of them when it is alone.
const longLivedShare = 3

var errNoPlace = errors.New("as many long-lived connections are open as may be")

// longLived bounds the connections of Dial, which hold buffers for as long as they are open. A tenant may have longLivedShare
// connections for each that is free. Beyond that an idle connection is closed first, but never one of a tenant that has fewer, so a
// tenant with many connections does not make others connect anew.
type longLived struct {
	limit int // 0 for any number

	mu      sync.Mutex
	open    int
	tenants map[gateway.TenantID]int
	// idle has each *Conn that is not in use, the longest idle first.
	idle list.List
}

func newLongLived(limit int) *longLived {
	return &longLived{limit: limit, tenants: map[gateway.TenantID]int{}}
}

// enter reports whether the tenant may open one more connection, and counts it until remove, or leave where there will be none.
func (p *longLived) enter(tenant gateway.TenantID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.permits(tenant) && !p.makeRoom(tenant) {
		return false
	}
	p.open++
	p.tenants[tenant]++
	return true
}

// leave ends the count of a connection that could not be made.
func (p *longLived) leave(tenant gateway.TenantID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(tenant)
}

// giveUp closes the connection that has been idle for longest, and reports whether there was one.
func (p *longLived) giveUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := p.idle.Front()
	if longest != nil {
		p.close(longest.Value.(*Conn))
	}
	return longest != nil
}

// permits reports whether the tenant's share has room. p.mu is held, here and below.
func (p *longLived) permits(tenant gateway.TenantID) bool {
	return p.limit == 0 || p.tenants[tenant] < longLivedShare*(p.limit-p.open)
}

// makeRoom closes idle connections, the longest idle first, until the tenant's share has room. It closes none of a tenant that has
// fewer connections, and none at all where that would not suffice; then it returns false.
func (p *longLived) makeRoom(tenant gateway.TenantID) bool {
	has, free := p.tenants[tenant], p.limit-p.open
	var closing []*Conn
	for e := p.idle.Front(); e != nil && has >= longLivedShare*free; e = e.Next() {
		c := e.Value.(*Conn)
		if p.tenants[c.tenant] < has {
			continue
		}
		closing = append(closing, c)
		if free++; c.tenant == tenant {
			has--
		}
	}
	if has >= longLivedShare*free {
		return false
	}
	for _, c := range closing {
		p.close(c)
	}
	return true
}

func (p *longLived) close(c *Conn) {
	p.remove(c)
	_ = c.Conn.Close()
}

// remove ends the count of a connection that is being closed.
func (p *longLived) remove(c *Conn) {
	if c.closed {
		return
	}
	c.closed = true
	p.unmark(c)
	p.free(c.tenant)
}

func (p *longLived) free(tenant gateway.TenantID) {
	p.open--
	if p.tenants[tenant]--; p.tenants[tenant] == 0 {
		delete(p.tenants, tenant)
	}
}

// unmark takes a connection out of the idle ones.
func (p *longLived) unmark(c *Conn) {
	if c.idle != nil {
		p.idle.Remove(c.idle)
		c.idle = nil
	}
}

// Idle says that nothing is sent over the connection until Use. Meanwhile it may be closed to make room for another one.
func (c *Conn) Idle() {
	c.places.mu.Lock()
	defer c.places.mu.Unlock()
	if !c.closed && c.idle == nil {
		c.idle = c.places.idle.PushBack(c)
	}
}

// Use ends Idle, and reports whether the connection is still open.
func (c *Conn) Use() bool {
	c.places.mu.Lock()
	defer c.places.mu.Unlock()
	c.places.unmark(c)
	return !c.closed
}

// Close closes the connection. It may be called more than once.
func (c *Conn) Close() error {
	c.places.mu.Lock()
	c.places.remove(c)
	c.places.mu.Unlock()
	return c.Conn.Close()
}
