package egress

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// The addresses of hosts are private to the operator: a tenant that names a host of the operator's network must not learn its
// address from a refusal, nor whether the host exists.

// unreachable is the reason that a caller sees for a host that has no permitted address or does not exist.
func unreachable(host string) string {
	return fmt.Sprintf("host %s does not exist, or none of its addresses may be reached (the server's log says which; "+
		"the operator can allow addresses with %s)", host, AllowFlag)
}

// overPlain is the reason that a caller sees for a public host or address, which the scheme with TLS would reach.
func overPlain(scheme string) string {
	instead := "tls"
	if scheme == "http" {
		instead = "https"
	}
	return fmt.Sprintf(" is outside the addresses that plain %s may reach; use %s", scheme, instead)
}

const (
	// refusalPause is the time in which a refused host is not logged again, because every attempt resolves it anew.
	refusalPause = time.Minute
	// maxRefusals limits the hosts in memory, and so the lines per minute.
	maxRefusals = 256
)

// refusalLog logs, for the operator, why a host is not reached.
type refusalLog struct {
	mu     sync.Mutex
	logged map[string]time.Time
}

// write logs the addresses of a host without permitted addresses.
func (l *refusalLog) write(logger *slog.Logger, host string, addrs []netip.Addr, why error) {
	if logger == nil || !l.due(host, time.Now()) {
		return
	}
	logger.Warn("a target's host may not be reached", "host", host, "addresses", addrs[:min(len(addrs), 8)], "error", why)
}

// due reports whether to log a host's refusal now.
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
