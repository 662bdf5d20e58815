package egress

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// attempt watches one request. Lookup, connect and handshake are measured by the dialer, once per connection, so only
// two hooks run per request.
type attempt struct {
	caller    context.Context // the caller's
	start     time.Time
	deadline  time.Time // by the request's timeout alone
	ready     time.Time
	conn      *conn
	reused    bool
	answered  bool         // the response's header is complete
	handed    *handed      // the connection on which the endpoint has chosen HTTP/2
	firstByte atomic.Int64 // nanoseconds since start; may be set by the goroutine that reads the connection
}

func newAttempt(caller context.Context, timeout time.Duration) *attempt {
	now := time.Now()
	return &attempt{caller: caller, start: now, deadline: now.Add(timeout)}
}

func (a *attempt) traced(bounded context.Context) context.Context {
	return httptrace.WithClientTrace(bounded, &httptrace.ClientTrace{
		// GotConn runs in the goroutine of Do, once more when the request is sent again.
		GotConn:              func(info httptrace.GotConnInfo) { a.got(unwrap(info.Conn), info.Reused) },
		GotFirstResponseByte: a.gotFirstByte,
	})
}

func (a *attempt) got(c *conn, reused bool) {
	a.ready, a.conn, a.reused = time.Now(), c, reused
}

func (a *attempt) gotFirstByte() {
	a.firstByte.Store(int64(time.Since(a.start)))
}

// over reports whether the caller or the clock has ended the attempt.
func (a *attempt) over() bool { return a.caller.Err() != nil || a.late() }

func (a *attempt) late() bool { return !time.Now().Before(a.deadline) }

// answer is the result once the header of the response is complete.
func (a *attempt) answer(response *http.Response) Result {
	a.answered = true
	r := a.result()
	r.StatusCode, r.Header = response.StatusCode, response.Header
	return r
}

func (a *attempt) result() Result {
	r := Result{Reused: a.reused}
	if at := a.firstByte.Load(); at != 0 {
		r.Timings.FirstByte = time.Duration(at) - a.ready.Sub(a.start)
	}
	r.Timings.Total = time.Since(a.start)
	if a.conn == nil {
		return r
	}
	r.Address = a.conn.address
	if !a.reused {
		r.Timings.DNS, r.Timings.Connect, r.Timings.TLS = a.conn.dns, a.conn.connect, a.conn.tls
	}
	return r
}

// failure explains err. The caller and the clock go first: what is said once one has ended the attempt is only a
// consequence.
func (a *attempt) failure(err error, r Request) *Error {
	switch {
	case a.caller.Err() != nil:
		return &Error{KindCanceled, "canceled", err}
	case a.late():
		return &Error{KindTimeout, fmt.Sprintf("%s within %s", a.phase(r), r.Timeout), err}
	}
	return classify(err, a.peer(r))
}

func (a *attempt) phase(r Request) string {
	switch {
	case a.conn == nil:
		return "no connection to " + r.URL.Host
	case !a.answered:
		return "no answer from " + a.conn.address
	}
	return "no complete answer from " + a.conn.address
}

func (a *attempt) peer(r Request) string {
	if a.conn == nil {
		return r.URL.Host
	}
	return a.conn.address
}
