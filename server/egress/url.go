package egress

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURLBytes limits a target's URL.
const maxURLBytes = 2048

// ParseURL parses a target's URL: http or https, a host, no user info, no fragment, at most 2048 bytes. It does not resolve
// the host; Guard.CheckURL does. Errors have KindURL and never contain the URL, which may include a token.
func ParseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURLBytes {
		return nil, badURL("the URL is longer than 2048 bytes")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, badURL("the URL is malformed")
	}
	if fault := urlFault(u, raw); fault != "" {
		return nil, badURL(fault)
	}
	return u, nil
}

// CheckURL parses a target's URL and returns nil if its host has a permitted address. An *Error gives the reason: KindURL,
// KindRefused, or KindDNS and KindTimeout if the host could not be resolved, which may be transient.
func (g *Guard) CheckURL(ctx context.Context, raw string) error {
	u, err := ParseURL(raw)
	if err != nil {
		return err
	}
	_, err = g.permitted(ctx, u.Scheme, u.Hostname())
	return err
}

func badURL(text string) *Error {
	return &Error{Kind: KindURL, Message: text}
}

func urlFault(u *url.URL, raw string) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "the URL must begin with https:// or http://"
	case u.User != nil:
		return "the URL must not hold a user name or password; use a header"
	case strings.Contains(raw, "#"):
		return "the URL must not have a fragment (#)"
	}
	return placeFault(u)
}

// placeFault says what is wrong with a URL's host and port.
func placeFault(u *url.URL) string {
	switch {
	case u.Opaque != "" || u.Hostname() == "":
		return "the URL has no host"
	case !validPort(u):
		return "the URL's port is not a number from 1 to 65535"
	}
	return hostFault(u)
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// hostFault refuses every spelling of a host that two parsers could read differently. Addresses must have their plain form,
// because some resolvers read 2130706433, 0x7f.1 and 127.1 as 127.0.0.1.
func hostFault(u *url.URL) string {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
			return "the URL's host is not an IPv6 address"
		} else if addr.Zone() != "" {
			return "the URL's host must not have a zone"
		}
		return ""
	}
	if !plainHost(host) {
		return "the URL's host has a character that is not allowed; write an international name in its xn-- form"
	}
	if _, err := netip.ParseAddr(host); err != nil && endsInNumber(host) {
		return "the URL's host is an address in an unusual form; write it as 192.0.2.1"
	}
	return ""
}

func plainHost(host string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, hostBytes) != "" {
			return false
		}
	}
	return len(host) <= 254
}

// hostBytes are the characters of a host name, and "_", which private names use.
const hostBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// endsInNumber is the test by which browsers distinguish an IPv4 address from a name (WHATWG URL, "ends in a number").
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(strings.ToLower(last), "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}
