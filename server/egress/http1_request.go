package egress

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// suits tells what direct sends byte for byte like net/http. Everything out of the ordinary is left to net/http, which
// refuses, escapes or sends it by its own rules.
func suits(r Request) bool {
	u := r.URL
	return r.Method == http.MethodPost && len(r.Body) <= maxDirectBody &&
		u.Opaque == "" && u.Hostname() != "" && strings.Trim(u.Host, hostBytes+".:[]") == "" &&
		!strings.ContainsFunc(u.RawQuery, isBlankOrControl) && validHeader(r.Header)
}

func isBlankOrControl(r rune) bool { return r <= ' ' || r == 0x7f }

// validHeader refuses what could end a header or the request early.
func validHeader(header http.Header) bool {
	for name, values := range header {
		if name == "" || strings.ContainsFunc(name, isNoToken) || slices.ContainsFunc(values, hasControl) {
			return false
		}
	}
	return true
}

// isNoToken knows what cannot be in a header's name (RFC 9110, section 5.6.2).
func isNoToken(r rune) bool {
	letter := 'a' <= r|0x20 && r|0x20 <= 'z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func hasControl(value string) bool {
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return true
		}
	}
	return false
}

// appendRequest appends r, for which suits is true, as net/http writes it: first what frames it, then the headers in
// the order of their names.
func appendRequest(b []byte, r Request) []byte {
	b = append(b, http.MethodPost+" "...)
	b = appendURI(b, r)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, r.URL.Host...)
	b = append(b, "\r\n"...)
	b = appendUserAgent(b, r.Header)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.Body)), 10)
	b = append(b, "\r\n"...)
	b = appendHeader(b, r.Header)
	b = append(b, "\r\n"...)
	return append(b, r.Body...)
}

func appendURI(b []byte, r Request) []byte {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	b = append(b, path...)
	if r.URL.ForceQuery || r.URL.RawQuery != "" {
		b = append(b, '?')
		b = append(b, r.URL.RawQuery...)
	}
	return b
}

// appendUserAgent leaves the line out when the caller's is empty.
func appendUserAgent(b []byte, header http.Header) []byte {
	agent := "Go-http-client/1.1"
	if own, ok := header["User-Agent"]; ok {
		agent = ""
		if len(own) > 0 {
			agent = own[0]
		}
	}
	if agent == "" {
		return b
	}
	return appendField(b, "User-Agent", agent)
}

func appendHeader(b []byte, header http.Header) []byte {
	var room [16]string
	names := room[:0]
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer":
			continue // framing is not the caller's
		}
		for _, value := range header[name] {
			b = appendField(b, name, value)
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, strings.Trim(value, " \t")...)
	return append(b, "\r\n"...)
}
