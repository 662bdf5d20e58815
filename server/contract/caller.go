package contract

import (
	"errors"
	"net/http"
	"slices"

	"connectrpc.com/connect"
)

// Caller is the client of an edge.
type Caller struct {
	// Protocol is the name of the edge in the log.
	Protocol string
	// Address is the client's address and port.
	Address string
	// Header has the client's credentials and what else a method may read (passedOn); other headers are ignored.
	Header http.Header
	// Host is the one that the client has called.
	Host string
}

// CallerOf returns the client that sent a request to an edge.
func CallerOf(r *http.Request, protocol string) Caller {
	return Caller{Protocol: protocol, Address: r.RemoteAddr, Header: r.Header, Host: r.Host}
}

// passedOn are the request headers that mean the same on every edge.
var passedOn = []string{
	"Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "X-Forwarded-Proto", "User-Agent",
	"If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id", "Traceparent", "Tracestate",
}

// send puts what is passed on into the headers of a call.
func (c Caller) send(header http.Header) {
	for _, name := range passedOn {
		if values := c.Header.Values(name); len(values) > 0 {
			header[name] = slices.Clone(values)
		}
	}
	if c.Host != "" {
		header.Set("Host", c.Host)
	}
}

// ofEncoding are the response headers that belong to the encoding of the call.
var ofEncoding = []string{"Content-Type", "Content-Length", "Content-Encoding", "Accept-Encoding"}

// received takes what belongs to the encoding of the call out of the headers of its response.
func received(header http.Header) http.Header {
	for _, name := range ofEncoding {
		header.Del(name)
	}
	return header
}

// refusal takes the same out of the headers of an error.
func refusal(err error) error {
	var refused *connect.Error
	if errors.As(err, &refused) {
		received(refused.Meta())
	}
	return err
}
