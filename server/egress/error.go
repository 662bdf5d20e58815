package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Kind is the reason why a request got no response.
type Kind uint8

const (
	// KindOther is everything else, for example a response that is not HTTP.
	KindOther Kind = iota
	// KindURL: the URL cannot be a target.
	KindURL
	// KindRefused: the guard does not permit the address.
	KindRefused
	// KindDNS: the host could not be resolved.
	KindDNS
	// KindConnection: the connection was refused, reset or closed, or there is no route.
	KindConnection
	// KindTimeout: the response was not complete in time.
	KindTimeout
	// KindTLS: the handshake or the certificate failed.
	KindTLS
	// KindCanceled: the caller cancelled the request; this is no failure of the endpoint.
	KindCanceled
	// KindExhausted: this process has no free socket or file, or the tenant no long-lived connection. This is transient and no
	// failure of the endpoint.
	KindExhausted
)

var kindNames = [...]string{"other", "url", "refused", "dns", "connection", "timeout", "tls", "canceled", "exhausted"}

// String returns a name for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindOther]
}

// Error is the only type of error this package returns.
type Error struct {
	Kind Kind
	// Message is for people. It names the host, or the address if the caller gave one or it was dialled. It never contains
	// the path, the query or addresses of this machine.
	Message string

	cause error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the technical cause, for logs; it may be nil.
func (e *Error) Unwrap() error { return e.cause }

// Cause returns the kind of failure that an attempt without a response has.
func (e *Error) Cause() gateway.FailureKind {
	switch e.Kind {
	case KindURL, KindRefused:
		return gateway.FailureNotPermitted
	case KindDNS:
		return gateway.FailureDNS
	case KindConnection:
		if errors.Is(e.cause, syscall.ECONNREFUSED) {
			return gateway.FailureConnectionRefused
		}
		return gateway.FailureConnection
	case KindTimeout:
		return gateway.FailureTimeout
	case KindTLS:
		return gateway.FailureTLS
	default:
		return gateway.FailureOther
	}
}

func lookupError(host string, err error) *Error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return &Error{KindCanceled, "canceled", err}
	case outOfFiles(err):
		return exhausted(err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &dns) && dns.IsTimeout:
		return &Error{KindTimeout, fmt.Sprintf("looking up host %s timed out", host), err}
	case dns != nil && dns.IsNotFound:
		return &Error{KindDNS, unreachable(host), err}
	}
	return &Error{KindDNS, fmt.Sprintf("looking up host %s failed", host), err}
}

// classify converts errors of net, crypto/tls and net/http to an *Error. peer is the address dialled, or the host if that is
// unknown.
func classify(err error, peer string) *Error {
	var known *Error
	var errno syscall.Errno
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return &Error{KindCanceled, "canceled", err}
	case outOfFiles(err):
		return exhausted(err)
	case isTimeout(err):
		return &Error{KindTimeout, "no answer from " + peer + " in time", err}
	case isTLS(err):
		return &Error{KindTLS, fmt.Sprintf("TLS with %s: %s", peer, plain(err)), err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Error{KindConnection, "connection refused by " + peer, err}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &Error{KindConnection, "connection reset by " + peer, err}
	case errors.As(err, &errno):
		return &Error{KindConnection, fmt.Sprintf("connection to %s: %s", peer, errno.Error()), err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), isClosedIdle(err):
		return &Error{KindConnection, "connection closed by " + peer + " before the answer was complete", err}
	}
	return &Error{KindOther, "no valid answer: " + plain(err), err}
}

func exhausted(cause error) *Error {
	return &Error{KindExhausted, "this server has no socket free", cause}
}

// outOfFiles reports whether the process, or the machine, cannot open more files or sockets. The resolver keeps only the text
// of the error, not its number.
func outOfFiles(err error) bool {
	for _, errno := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	var dns *net.DNSError
	return errors.As(err, &dns) && strings.Contains(dns.Err, syscall.EMFILE.Error())
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isClosedIdle recognises, by its text, net/http's unexported error for a connection that was closed before the request was
// written.
func isClosedIdle(err error) bool {
	return strings.Contains(err.Error(), "server closed idle connection")
}

func isTLS(err error) bool {
	var (
		record       tls.RecordHeaderError
		alert        tls.AlertError
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid)
}

// maxPlainBytes limits text that an endpoint may have influenced.
const maxPlainBytes = 200

// plain returns the text of an error without addresses of this machine, as printable text of limited length.
func plain(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	text := strings.Map(printable, strings.ToValidUTF8(err.Error(), "�"))
	if len(text) > maxPlainBytes {
		text = strings.ToValidUTF8(text[:maxPlainBytes], "") + "…"
	}
	return text
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
