package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"

	"connectrpc.com/connect"
)

// connectionError is a call that reached no Postrider server, or whose key the server does not accept.
type connectionError struct {
	text  string
	cause error
}

func (e connectionError) Error() string { return e.text }
func (e connectionError) Unwrap() error { return e.cause }

// httpStatus is the text of an error for a response that is not of the API, such as "404 Not Found", or "HTTP status 404 Not Found".
var httpStatus = regexp.MustCompile(`^(HTTP status )?([1-5]\d\d .*)`)

// explain makes an error of the connection name the server and where its address came from. Other errors stay as they are.
func (p place) explain(err error) error {
	var coded *connect.Error
	if err == nil || errors.Is(err, io.EOF) || !errors.As(err, &coded) || errors.Is(err, context.Canceled) {
		return err
	}
	status := httpStatus.FindStringSubmatch(coded.Message())
	switch fromServer := connect.IsWireError(err); {
	case fromServer && coded.Code() == connect.CodeUnauthenticated:
		return connectionError{fmt.Sprintf("%s does not accept the key from %s: %s", p, p.keyFrom, coded.Message()), err}
	case fromServer && coded.Code() == connect.CodePermissionDenied:
		return connectionError{fmt.Sprintf("%s; the key is from %s", coded.Message(), p.keyFrom), err}
	case fromServer:
		return err
	case strings.HasPrefix(coded.Message(), "invalid content-type"):
		return connectionError{fmt.Sprintf("%s is not a Postrider server: it responds with a page", p), err}
	case status == nil && coded.Code() == connect.CodeUnavailable:
		// The code stays in the chain: a stream that has begun is repeated for it.
		return connectionError{p.unreachable(coded.Unwrap()).Error(), err}
	case status == nil:
		return err
	case coded.Code() == connect.CodeUnavailable:
		return connectionError{fmt.Sprintf("%s responds with %s; if that is a proxy, the server behind it does not run", p, status[2]), err}
	default:
		return connectionError{fmt.Sprintf("%s is not a Postrider server: it responds with %s", p, status[2]), err}
	}
}

// unreachable is the error of a server that cannot be reached.
func (p place) unreachable(err error) error {
	return connectionError{fmt.Sprintf("cannot reach %s: %s%s", p, connectionReason(err), p.hint(err)), err}
}

// hint says what to do about a server of this machine that does not run.
func (p place) hint(err error) string {
	if address, parsed := url.Parse(p.server); parsed == nil && isLocal(address.Hostname()) && errors.Is(err, syscall.ECONNREFUSED) {
		return "; \"postrider serve\" starts a server"
	}
	return ""
}

// connectionReason says in plain words why a server could not be reached.
func connectionReason(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return fmt.Sprintf("there is no host %q", name.Name)
	case errors.As(err, &name):
		return fmt.Sprintf("the address of %q cannot be looked up", name.Name)
	case errors.As(err, &certificate):
		return "its certificate is not valid: " + strings.TrimPrefix(certificate.Err.Error(), "x509: ")
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS; http:// may be meant"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it does not respond in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection without a response"
	default:
		return plainReason(err)
	}
}

// plainReason is the cause of an error of the operating system, without the names of the calls around it.
func plainReason(err error) string {
	var number syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "no permission"
	case errors.As(err, &number):
		return number.Error()
	default:
		return err.Error()
	}
}

// jsonReason says in plain words why a text is not the JSON that is wanted.
func jsonReason(text []byte, err error) string {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return "not a JSON object, but a JSON " + wrong.Value
	case errors.As(err, &wrong):
		return fmt.Sprintf("%q cannot be a %s", wrong.Field, wrong.Value)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Offset >= int64(len(text)):
		return "the JSON ends too early"
	case errors.As(err, &syntax):
		return fmt.Sprintf("not JSON at character %d", syntax.Offset)
	default:
		return strings.TrimPrefix(err.Error(), "json: ")
	}
}
