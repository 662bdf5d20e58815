package egress

import (
	"slices"
	"sync"
	"time"
)

// sweepPause is the least time between two sweeps.
const sweepPause = time.Second

// idlePool keeps connections that no request uses, up to maxIdleConnsPerHost and maxIdleConns, for idleConnTimeout.
// It has one timer and no goroutine. The zero value is ready.
type idlePool struct {
	mu             sync.Mutex
	byHost         map[string][]*line // the oldest first; an entry stays while its connections are busy
	oldest, newest *line
	count          int
	timer          *time.Timer
	armed          bool
	closing        bool // since close, until somebody asks again
}

// take returns the connection used last, so that the others can grow old; nil when there is none.
func (p *idlePool) take(host string) *line {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = false
	kept := p.byHost[host]
	if len(kept) == 0 {
		return nil
	}
	l := kept[len(kept)-1]
	p.unlink(l)
	return l
}

// put returns false when there is no room: the connection is the caller's to close. The longest idle of all hosts
// makes room for one of a host that has some left.
func (p *idlePool) put(l *line) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing || len(p.byHost[l.host]) >= maxIdleConnsPerHost {
		return false
	}
	if p.count == maxIdleConns {
		p.drop(p.oldest)
	}
	p.link(l)
	p.arm(idleConnTimeout)
	return true
}

// giveUp closes the connection that has been idle for longest, and reports whether there was one.
func (p *idlePool) giveUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.oldest == nil {
		return false
	}
	p.drop(p.oldest)
	return true
}

// close ends all idle connections, and those in use when they come back.
func (p *idlePool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = true
	for p.oldest != nil {
		p.drop(p.oldest)
	}
	clear(p.byHost)
	if p.armed {
		p.armed = false
		p.timer.Stop()
	}
}

// sweep ends what has been idle for too long and forgets hosts that have nothing left.
func (p *idlePool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	now := time.Now()
	for p.oldest != nil && now.Sub(p.oldest.idleSince) >= idleConnTimeout {
		p.drop(p.oldest)
	}
	for host, kept := range p.byHost {
		if len(kept) == 0 {
			delete(p.byHost, host)
		}
	}
	if p.oldest != nil {
		p.arm(max(idleConnTimeout-now.Sub(p.oldest.idleSince), sweepPause))
	}
}

func (p *idlePool) arm(wait time.Duration) {
	if p.armed {
		return
	}
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, p.sweep)
		return
	}
	p.timer.Reset(wait)
}

func (p *idlePool) drop(l *line) {
	p.unlink(l)
	_ = l.Close()
}

func (p *idlePool) link(l *line) {
	if p.byHost == nil {
		p.byHost = make(map[string][]*line)
	}
	p.byHost[l.host] = append(p.byHost[l.host], l)
	l.idleSince, l.older = time.Now(), p.newest
	if p.newest == nil {
		p.oldest = l
	} else {
		p.newest.newer = l
	}
	p.newest = l
	p.count++
}

// unlink takes l out, which is its host's newest or oldest.
func (p *idlePool) unlink(l *line) {
	kept := p.byHost[l.host]
	if last := len(kept) - 1; kept[last] == l {
		kept[last] = nil
		p.byHost[l.host] = kept[:last]
	} else {
		p.byHost[l.host] = slices.Delete(kept, 0, 1)
	}
	if l.older == nil {
		p.oldest = l.newer
	} else {
		l.older.newer = l.newer
	}
	if l.newer == nil {
		p.newest = l.older
	} else {
		l.newer.older = l.older
	}
	l.older, l.newer = nil, nil
	p.count--
}
