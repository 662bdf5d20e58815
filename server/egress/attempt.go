package egress

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// attempt watches one request. Lookup, connect and handshake are measured by the dialer, once per connection, so only
// two hooks run per request.
type attempt struct {
	caller    context.Context // the caller's
	bounded   context.Context // caller, within the request's timeout
	trace     httptrace.ClientTrace
	start     time.Time
	ready     time.Time
	conn      *conn
	reused    bool
	answered  bool         // the response's header is complete
	firstByte atomic.Int64 // nanoseconds since start; set by the goroutine that reads the connection
}

func newAttempt(caller, bounded context.Context) *attempt {
	a := &attempt{caller: caller, bounded: bounded, start: time.Now()}
	a.trace.GotConn = a.gotConn
	a.trace.GotFirstResponseByte = a.gotFirstByte
	return a
}

func (a *attempt) traced() context.Context {
	return httptrace.WithClientTrace(a.bounded, &a.trace)
}

// gotConn runs in the goroutine of Do, once more when the request is sent again.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.ready = time.Now()
	a.conn = unwrap(info.Conn)
	a.reused = info.Reused
}

func (a *attempt) gotFirstByte() {
	a.firstByte.Store(int64(time.Since(a.start)))
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

// failure explains err. The contexts go first: what net/http says once one has ended is only a consequence.
func (a *attempt) failure(err error, r Request) *Error {
	switch {
	case a.caller.Err() != nil:
		return &Error{KindCanceled, "canceled", err}
	case a.bounded.Err() != nil:
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
