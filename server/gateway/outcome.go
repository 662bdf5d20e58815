package gateway

import "time"

// OutcomeKind is what an attempt's answer means (SEMANTICS rule 17).
type OutcomeKind uint8

// The kinds of outcome. Values are stored.
const (
	OutcomeNone OutcomeKind = iota
	// OutcomeDelivered: 2xx.
	OutcomeDelivered
	// OutcomeEventFailure: the endpoint refused this event (3xx, 4xx). It uses a step of the retry schedule.
	OutcomeEventFailure
	// OutcomeEndpointFailure: refused, timeout, TLS, 408, 5xx. It counts for the breaker.
	OutcomeEndpointFailure
	// OutcomeSlowDown: 429, or 503 with a usable Retry-After. The subscription holds; no step is used.
	OutcomeSlowDown
	// OutcomeGone: 410. The subscription is disabled.
	OutcomeGone
)

func (k OutcomeKind) String() string {
	switch k {
	case OutcomeDelivered:
		return "delivered"
	case OutcomeEventFailure:
		return "event failure"
	case OutcomeEndpointFailure:
		return "endpoint failure"
	case OutcomeSlowDown:
		return "slow down"
	case OutcomeGone:
		return "gone"
	default:
		return "none"
	}
}

// Bounds of what an endpoint may ask for with Retry-After, and what a 429 without it means.
const (
	MinRetryAfter     = time.Second
	MaxRetryAfter     = 24 * time.Hour
	DefaultRetryAfter = 5 * time.Second
)

// MaxResponseKept is how many bytes of a response body an attempt keeps.
const MaxResponseKept = 1024

// Timings says where an attempt's time went; 0 for a part that did not happen.
type Timings struct {
	DNS, Connect, TLS, FirstByte, Total time.Duration
}

// Outcome is what came of one attempt: what was sent and what came back.
type Outcome struct {
	Kind OutcomeKind
	// Sent is what was transmitted.
	Sent Sent
	// NoSocket tells, with OutcomeNone, that nothing was sent because this process had no socket free. It passes.
	NoSocket bool
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// RetryAfter is how long the endpoint asked to be left alone, with OutcomeSlowDown; 0 when it named no usable time.
	RetryAfter time.Duration
	// Error says what went wrong, for a person; empty when delivered.
	Error string
	// Address is the host and port dialled.
	Address string
	Timings Timings
	// ContentType and Response are the answer's; Response holds at most MaxResponseKept bytes.
	ContentType string
	Response    []byte
	Truncated   bool
}

// ClassifyStatus says what an HTTP status means. hasRetryAfter reports whether the answer named
// a time with Retry-After.
func ClassifyStatus(status int, hasRetryAfter bool) OutcomeKind {
	switch {
	case status >= 200 && status < 300:
		return OutcomeDelivered
	case status == 410:
		return OutcomeGone
	case status == 429, status == 503 && hasRetryAfter:
		return OutcomeSlowDown
	case status == 408, status >= 500, status < 200:
		return OutcomeEndpointFailure
	default:
		return OutcomeEventFailure
	}
}

// ClampRetryAfter bounds what an endpoint asked for.
func ClampRetryAfter(asked time.Duration) time.Duration {
	return min(max(asked, MinRetryAfter), MaxRetryAfter)
}
