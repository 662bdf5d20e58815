package gateway

import "time"

// OutcomeKind is the meaning of an attempt's response. Each target classifies the responses of its protocol.
type OutcomeKind uint8

// The kinds of outcome. Values are stored.
const (
	OutcomeNone OutcomeKind = iota
	// OutcomeDelivered: the endpoint has accepted the event.
	OutcomeDelivered
	// OutcomeEventFailure: the endpoint refused this event. It uses a step of the retry schedule.
	OutcomeEventFailure
	// OutcomeEndpointFailure: the endpoint could not be reached or failed, regardless of the event. It counts for the
	// breaker.
	OutcomeEndpointFailure
	// OutcomeSlowDown: the endpoint asked for a pause. The subscription holds; no step is used.
	OutcomeSlowDown
	// OutcomeGone: the endpoint wants no more events. The subscription is disabled.
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

// Bounds of the pause that an endpoint may ask for, and the pause when it names no time.
const (
	MinRetryAfter     = time.Second
	MaxRetryAfter     = 24 * time.Hour
	DefaultRetryAfter = 5 * time.Second
)

// MaxResponseKept is the number of bytes of a response body that are stored with an attempt.
const MaxResponseKept = 1024

// Timings holds how long the parts of an attempt took; 0 for a part that did not happen.
type Timings struct {
	DNS, Connect, TLS time.Duration
	// FirstByte is the time from the connection being ready to the first byte of the response.
	FirstByte time.Duration
	Total     time.Duration
}

// Outcome is the outcome of one attempt: what was sent, and the response.
type Outcome struct {
	Kind OutcomeKind
	// Sent describes what was transmitted.
	Sent Sent
	// NoSocket means, with OutcomeNone, that nothing was sent because this process had no free socket, or the tenant no long-lived
	// connection. Both are transient.
	NoSocket bool
	// Status is the number of the response in the target's protocol, such as an HTTP status; 0 for none.
	Status int
	// RetryAfter is the length of the pause that the endpoint asked for, with OutcomeSlowDown; 0 when it named no usable
	// time.
	RetryAfter time.Duration
	// Error describes what went wrong, for people; empty when delivered.
	Error string
	// Cause is why there was no response, with OutcomeEndpointFailure. It is not stored with the attempt.
	Cause FailureKind
	// Address is the host and port dialled.
	Address string
	Timings Timings
	// ContentType and Response are those of the response. Response holds at most MaxResponseKept bytes.
	ContentType string
	Response    []byte
	Truncated   bool
}

// ClampRetryAfter applies the bounds to the pause that an endpoint asked for.
func ClampRetryAfter(asked time.Duration) time.Duration {
	return min(max(asked, MinRetryAfter), MaxRetryAfter)
}
