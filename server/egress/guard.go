// Package egress is the HTTP client for all outgoing requests. It connects to public addresses and to those that the operator
// has allowed, and to no others.
//
// The guard checks addresses, never names. A name is resolved first, only the permitted addresses are dialled, and the socket's
// address is checked again just before it connects. So a name that resolves differently the second time (DNS rebinding) gains
// nothing. The same rule applies when a target is created, tested and delivered to.
package egress

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// AllowFlag is the setting that allows further addresses; refusals name it.
const AllowFlag = "--allow-targets"

// Resolver resolves a host to addresses. *net.Resolver implements it.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Guard decides which addresses can be reached. The zero value permits https to public addresses and nothing else. It is safe
// for concurrent use.
type Guard struct {
	// Allow lists further addresses that can be reached, over https and plain http.
	Allow []netip.Prefix
	// Resolver is the resolver; nil means net.DefaultResolver.
	Resolver Resolver
	// Logger logs the addresses of refused hosts, which callers do not see; nil logs nothing.
	Logger *slog.Logger

	refusals *refusalLog
}

// ParseAllow parses an allow list of CIDR prefixes ("10.0.0.0/8") and single addresses ("::1"). Empty items are skipped.
func ParseAllow(items []string) ([]netip.Prefix, error) {
	var allow []netip.Prefix
	for _, item := range items {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		prefix, err := parsePrefix(item)
		if err != nil {
			return nil, err
		}
		allow = append(allow, prefix)
	}
	return allow, nil
}

func parsePrefix(item string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(item); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(item)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR prefix such as 10.0.0.0/8", item)
	}
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

// Check returns nil if addr can be reached over scheme, such as "http" or "https", and otherwise an *Error of KindRefused.
func (g *Guard) Check(scheme string, addr netip.Addr) error {
	addr = addr.Unmap()
	if g.allows(addr) {
		return nil
	}
	if why := refusal(addr); why != "" {
		return refused(addr, fmt.Sprintf("%s is %s, which targets may not reach", addr, why))
	}
	if !encrypted(scheme) {
		return refused(addr, addr.String()+overPlain(scheme))
	}
	return nil
}

// encrypted reports whether a scheme stands for TLS, which may reach every public address.
func encrypted(scheme string) bool { return scheme == "https" || scheme == "tls" }

func refused(addr netip.Addr, text string) *Error {
	hint := ""
	if addr.IsValid() && addr.Zone() == "" {
		hint = fmt.Sprintf(" (the operator can allow it with %s %s)", AllowFlag, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return &Error{Kind: KindRefused, Message: text + hint}
}

func (g *Guard) allows(addr netip.Addr) bool {
	// An address that a NAT64 gateway converts to an allowed IPv4 address counts as that address.
	translated, isNAT64 := fromNAT64(addr)
	for _, prefix := range g.Allow {
		if prefix.Contains(addr) || isNAT64 && prefix.Contains(translated) {
			return true
		}
	}
	return false
}

// refusal returns the reason why addr is refused, or "" if it is public.
func refusal(addr netip.Addr) string {
	if !addr.IsValid() || addr.Zone() != "" {
		return "an address of one network interface"
	}
	if translated, ok := fromNAT64(addr); ok {
		addr = translated
	}
	for _, s := range special {
		if s.prefix.Contains(addr) {
			return s.what
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return "not a public address"
	}
	return ""
}

var (
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	globalUnicast = netip.MustParsePrefix("2000::/3")
)

// fromNAT64 returns the IPv4 address to which a NAT64 gateway would send packets for addr (RFC 6052, section 2.1).
func fromNAT64(addr netip.Addr) (netip.Addr, bool) {
	if !nat64.Contains(addr) {
		return netip.Addr{}, false
	}
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}

// special lists addresses that are never public: the IANA special-purpose registries without their globally reachable
// entries, and metadata services on ordinary addresses. More specific entries come first, because the first match gives the
// reason. Prefixes that contain an IPv4 address at a position that depends on the configuration of a network (local NAT64,
// 6to4, Teredo) are refused as a whole: nobody needs them to reach a public host.
var special = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "a cloud metadata service"},
	{netip.MustParsePrefix("169.254.170.2/32"), "a cloud metadata service"},
	{netip.MustParsePrefix("100.100.100.200/32"), "a cloud metadata service"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud metadata service"},
	{netip.MustParsePrefix("192.0.0.192/32"), "a cloud metadata service"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "a cloud metadata service"},
	{netip.MustParsePrefix("fd20:ce::254/128"), "a cloud metadata service"},

	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier-grade NAT address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a protocol assignment"},
	{netip.MustParsePrefix("192.0.2.0/24"), "a documentation address"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking address"},
	{netip.MustParsePrefix("198.51.100.0/24"), "a documentation address"},
	{netip.MustParsePrefix("203.0.113.0/24"), "a documentation address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "the broadcast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},

	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("::/96"), "an IPv4-compatible address"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "an IPv4-translated address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local NAT64 address"},
	{netip.MustParsePrefix("100::/64"), "a discard address"},
	{netip.MustParsePrefix("2001::/32"), "a Teredo address"},
	{netip.MustParsePrefix("2001:2::/48"), "a benchmarking address"},
	{netip.MustParsePrefix("2001::/23"), "a protocol assignment"},
	{netip.MustParsePrefix("2001:db8::/32"), "a documentation address"},
	{netip.MustParsePrefix("2002::/16"), "a 6to4 address"},
	{netip.MustParsePrefix("3fff::/20"), "a documentation address"},
	{netip.MustParsePrefix("5f00::/16"), "a segment routing address"},
	{netip.MustParsePrefix("fc00::/7"), "a unique local address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// permitted resolves host and returns the addresses that can be reached over scheme. If some addresses of a host are refused,
// the others are used. If none is left, the error says so, without the addresses of a host that was resolved.
func (g *Guard) permitted(ctx context.Context, scheme, host string) ([]netip.Addr, error) {
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var first error
	kept := make([]netip.Addr, 0, len(addrs))
	for _, addr := range addrs {
		addr = addr.Unmap()
		err := g.Check(scheme, addr)
		if err == nil {
			kept = append(kept, addr)
		} else if first == nil {
			first = err
		}
	}
	if len(kept) == 0 {
		return nil, g.refuse(scheme, host, addrs, first)
	}
	return kept, nil
}

// refuse returns the error for a host without permitted addresses. It names an address only if the caller gave it.
func (g *Guard) refuse(scheme, host string, addrs []netip.Addr, why error) error {
	if isAddress(host) {
		return why
	}
	if g.refusals != nil {
		g.refusals.write(g.Logger, host, addrs, why)
	}
	text := unreachable(host)
	if !slices.ContainsFunc(addrs, func(addr netip.Addr) bool { return refusal(addr.Unmap()) != "" }) {
		text = "host " + host + overPlain(scheme)
	}
	return &Error{Kind: KindRefused, Message: text, cause: why}
}

// resolve returns at least one address.
func (g *Guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	resolver := g.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	addrs, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, lookupError(host, err)
	}
	if len(addrs) == 0 {
		return nil, &Error{Kind: KindDNS, Message: unreachable(host)}
	}
	return addrs, nil
}
