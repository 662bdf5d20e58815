package httpserver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trustProxies gives requests that came through a trusted proxy the address of their client. Limits that hold before the caller is known
// are those of connections, and still count for the proxy.
func trustProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client := clientAddress(r, trusted); client != "" {
			r = r.WithContext(r.Context())
			r.RemoteAddr = client
		}
		next.ServeHTTP(w, r)
	})
}

// clientAddress returns the address in X-Forwarded-For that the outermost trusted proxy has seen; empty if there is none. A proxy appends
// the address of its client, so those further left are what clients claim, and are not believed.
func clientAddress(r *http.Request, trusted []netip.Prefix) (client string) {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	seen := r.RemoteAddr
	for _, hop := range slices.Backward(hops) {
		if address, ok := parseAddress(seen); !ok || !contains(trusted, address) {
			break
		}
		address, ok := parseAddress(hop)
		if !ok {
			break
		}
		seen, client = hop, address.String()
	}
	return client
}

// parseAddress reads an address with or without a port.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(text)
	return address.Unmap().WithZone(""), err == nil
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(one netip.Prefix) bool { return one.Contains(address) })
}
