package gateway

import "time"

// OutcomeKind is the meaning of an attempt's response. Each target classifies the responses of its protocol.
type OutcomeKind uint8

// The kinds of outcome. Values are stored.
const (
	OutcomeNone OutcomeKind = iota
	// OutcomeDelivered: the endpoint has taken the event.
	OutcomeDelivered
	// OutcomeEventFailure: the endpoint refused this event. It uses a step of the retry schedule.
	OutcomeEventFailure
	// OutcomeEndpointFailure: the endpoint could not be reached or failed, whatever the event. It counts for the breaker.
	OutcomeEndpointFailure
	// OutcomeSlowDown: the endpoint asked to be left alone for a while. The subscription holds; no step is used.
	OutcomeSlowDown
	// OutcomeGone: the endpoint wants no event ever again. The subscription is disabled.
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

// Bounds of how long an endpoint may ask to be left alone, and what it means when it names no time.
const (
	MinRetryAfter     = time.Second
	MaxRetryAfter     = 24 * time.Hour
	DefaultRetryAfter = 5 * time.Second
)

// MaxResponseKept is how many bytes of a response body an attempt keeps.
const MaxResponseKept = 1024

// Timings says where an attempt's time went; 0 for a part that did not happen.
type Timings struct {
	DNS, Connect, TLS time.Duration
	// FirstByte runs from the connection being ready to the first byte of the answer.
	FirstByte time.Duration
	Total     time.Duration
}

// Outcome is what came of one attempt: what was sent and what came back.
type Outcome struct {
	Kind OutcomeKind
	// Sent is what was transmitted.
	Sent Sent
	// NoSocket tells, with OutcomeNone, that nothing was sent because this process had no socket free. It passes.
	NoSocket bool
	// Status is the number that the target's protocol has for what the endpoint said, such as an HTTP status; 0 for none.
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

// ClampRetryAfter bounds what an endpoint asked for.
func ClampRetryAfter(asked time.Duration) time.Duration {
	return min(max(asked, MinRetryAfter), MaxRetryAfter)
}
