package limit

import (
	"net"
	"net/netip"
)

// Address returns the address under which a remote address is counted: the IPv4 address itself, or the IPv6 network of 64 bits, as one
// client usually has a whole network.
func Address(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	network, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return network.String()
}
