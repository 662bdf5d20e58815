package egress

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// What a host resolves to is the operator's to know: a tenant who names a host of the operator's network must not learn
// its address from a refusal, nor whether there is such a host.

// unreachable is the reason that a caller sees for a host none of whose addresses may be reached, or that does not exist.
func unreachable(host string) string {
	return fmt.Sprintf("host %s does not exist, or none of its addresses may be reached (the server's log says which; "+
		"the operator can allow addresses with %s)", host, AllowFlag)
}

// overPlainHTTP is the reason that a caller sees for a host that is public, which https would reach.
func overPlainHTTP(host string) string {
	return fmt.Sprintf("host %s is outside the addresses that plain http may reach; use https", host)
}

const (
	// refusalPause is how long a host that was refused is not logged again; every attempt looks it up anew.
	refusalPause = time.Minute
	// maxRefusals bounds the hosts that are remembered for it, and so the lines of a minute.
	maxRefusals = 256
)

// refusalLog writes for the operator why a host is not reached.
type refusalLog struct {
	mu     sync.Mutex
	logged map[string]time.Time
}

// write logs the addresses of a host, none of which may be reached.
func (l *refusalLog) write(logger *slog.Logger, host string, addrs []netip.Addr, why error) {
	if logger == nil || !l.due(host, time.Now()) {
		return
	}
	logger.Warn("a target's host may not be reached", "host", host, "addresses", addrs[:min(len(addrs), 8)], "error", why)
}

// due reports whether a host's refusal is logged now.
func (l *refusalLog) due(host string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.logged[host]; ok && now.Sub(last) < refusalPause {
		return false
	}
	if len(l.logged) >= maxRefusals {
		for other, last := range l.logged {
			if now.Sub(last) >= refusalPause {
				delete(l.logged, other)
			}
		}
	}
	if len(l.logged) >= maxRefusals {
		return false
	}
	if l.logged == nil {
		l.logged = map[string]time.Time{}
	}
	l.logged[host] = now
	return true
}
