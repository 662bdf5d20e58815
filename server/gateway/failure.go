package gateway

import "time"

// FailureKind is the kind of a failed attempt, for the words that people read. The rules look at OutcomeKind.
type FailureKind uint8

// The kinds. Values are stored.
const (
	// FailureOther: unknown, or none of the following.
	FailureOther FailureKind = iota
	// FailureRefused: the endpoint refused the event.
	FailureRefused
	// FailureServer: the endpoint responded with an error of its own.
	FailureServer
	// FailureGone: the endpoint wants no more events.
	FailureGone
	// FailureTimeout: there was no response in time.
	FailureTimeout
	// FailureConnectionRefused: nothing listens at the address.
	FailureConnectionRefused
	// FailureConnection: the connection was reset or closed, or there is no route.
	FailureConnection
	// FailureDNS: the host's name could not be resolved.
	FailureDNS
	// FailureTLS: the handshake or the certificate failed.
	FailureTLS
	// FailureNotPermitted: this server may not send to the address.
	FailureNotPermitted
)

// Failure describes a failed attempt.
type Failure struct {
	Kind   FailureKind `json:"kind"`
	Status int         `json:"status,omitempty"`
	// Error is text for people.
	Error string    `json:"error,omitempty"`
	Time  time.Time `json:"time"`
}

// Failing describes the failures of a subscription since its last success. It is stored with the subscription.
type Failing struct {
	// Since is the time of the first of them; zero if the newest attempt succeeded or there was none.
	Since time.Time `json:"since"`
	// Last is the newest failure. The stored one is older if those after it have the same kind and status.
	Last Failure `json:"last"`
}

// Failure returns the failure of an attempt that ended at a time; ok is false for a success and for a request to slow down.
func (o *Outcome) Failure(at time.Time) (f Failure, ok bool) {
	f = Failure{Kind: o.Cause, Status: o.Status, Error: o.Error, Time: at}
	switch o.Kind {
	case OutcomeEventFailure:
		f.Kind = FailureRefused
	case OutcomeGone:
		f.Kind = FailureGone
	case OutcomeEndpointFailure:
		if o.Status != 0 {
			f.Kind = FailureServer
		}
	default:
		return Failure{}, false
	}
	return f, true
}

// After returns the state after an attempt, and whether it differs from f in what is stored.
func (f Failing) After(o *Outcome, at time.Time) (next Failing, store bool) {
	if o.Kind == OutcomeDelivered {
		return Failing{}, !f.Since.IsZero()
	}
	last, failed := o.Failure(at)
	if !failed {
		return f, false
	}
	next = Failing{Since: f.Since, Last: last}
	if next.Since.IsZero() {
		next.Since = at
	}
	return next, f.Since.IsZero() || f.Last.Kind != last.Kind || f.Last.Status != last.Status
}
