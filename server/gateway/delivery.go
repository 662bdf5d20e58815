package gateway

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// SubscriptionID identifies a subscription inside the server; users see the uid.
type SubscriptionID int64

// GroupID identifies a group of subscriptions. Its caught-up subscriptions share one stored place, and one node delivers for all of
// them. There is one group so far, 0.
type GroupID int64

// Run distinguishes a delivery's live run (0) from replays.
type Run int32

// DeliveryState is where a delivery stands.
//
//	(no row) ──first attempt──▶ delivered
//	    │                          ▲
//	    ├─ older than 1 s ─▶ pending ──┤
//	    └─ failed ─▶ retrying ◀────────┘ failed
//	                  │  ▲
//	   schedule over  ▼  │ manual retry
//	                 dead
type DeliveryState uint8

// The states. Values are stored.
const (
	DeliveryNone DeliveryState = iota
	// DeliveryPending: an attempt is under way and has no outcome yet.
	DeliveryPending
	// DeliveryRetrying: failed, waits for its next attempt.
	DeliveryRetrying
	DeliveryDelivered
	DeliveryDead
	// DeliveryParked: waits behind another event of its ordering key.
	DeliveryParked
)

func (s DeliveryState) String() string {
	switch s {
	case DeliveryPending:
		return "pending"
	case DeliveryRetrying:
		return "retrying"
	case DeliveryDelivered:
		return "delivered"
	case DeliveryDead:
		return "dead"
	case DeliveryParked:
		return "parked"
	default:
		return "none"
	}
}

// AttemptCause is the reason why an attempt was made.
type AttemptCause uint8

// The causes. Values are stored.
const (
	CauseNone AttemptCause = iota
	CauseFirst
	CauseRetry
	CauseProbe
	CauseManual
	CauseTest
)

func (c AttemptCause) String() string {
	switch c {
	case CauseFirst:
		return "first"
	case CauseRetry:
		return "retry"
	case CauseProbe:
		return "probe"
	case CauseManual:
		return "manual"
	case CauseTest:
		return "test"
	default:
		return "none"
	}
}

// Attempt is one try at a delivery, with the response.
type Attempt struct {
	// Number is 1 for the first.
	Number  int
	Cause   AttemptCause
	Start   time.Time
	Outcome Outcome
}

// Of a delivery's attempts, the first FirstAttemptsKept and the last LastAttemptsKept are kept.
const (
	FirstAttemptsKept = 10
	LastAttemptsKept  = 40
)

// AttemptsLeftOut returns the number of attempts between the first and the last ones that are not kept.
func (d *Delivery) AttemptsLeftOut() int {
	return max(d.Attempts-FirstAttemptsKept-LastAttemptsKept, 0)
}

// DeliveryKey identifies a delivery: one event, one subscription, one run.
type DeliveryKey struct {
	Subscription SubscriptionID
	Position     Position
	Run          Run
}

// Delivery is one event for one subscription.
type Delivery struct {
	DeliveryKey
	Tenant TenantID
	State  DeliveryState
	// Attempts is the number of attempts that have ended.
	Attempts int
	// Step is the number of steps of the retry schedule that are used up.
	Step int
	// Probes is the number of probes that this event has failed while the breaker was open.
	Probes int
	// Due is when the next attempt may begin, while retrying. If it is zero, the attempt begins as soon as the subscription
	// allows it: the delivery waits for the breaker, a hold or a resume.
	Due time.Time
	// Last is the newest attempt that has ended; nil before the first has.
	Last *Attempt
	// Manual means that a person asked for the next attempt.
	Manual     bool
	CreateTime time.Time
	UpdateTime time.Time

	// The following are set by reads of the store, and are empty if the event no longer exists.
	EventID, EventType, EventSubject string
	EventAcceptTime                  time.Time
}

const deliveryIDPrefix = "dlv_"

var deliveryIDText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// ErrBadDeliveryID is returned for text that is not a delivery id.
var ErrBadDeliveryID = errors.New("not a delivery id")

// ID returns the form that users see: "dlv_" and 32 characters. It encodes the key, so it needs no column and no index.
func (k DeliveryKey) ID() string {
	var raw [20]byte
	binary.BigEndian.PutUint64(raw[0:], uint64(k.Subscription))
	binary.BigEndian.PutUint64(raw[8:], uint64(k.Position))
	binary.BigEndian.PutUint32(raw[16:], uint32(k.Run))
	return deliveryIDPrefix + deliveryIDText.EncodeToString(raw[:])
}

// ParseDeliveryID parses the result of ID. The error is ErrBadDeliveryID.
func ParseDeliveryID(text string) (DeliveryKey, error) {
	rest, ok := strings.CutPrefix(text, deliveryIDPrefix)
	if !ok {
		return DeliveryKey{}, ErrBadDeliveryID
	}
	raw, err := deliveryIDText.DecodeString(rest)
	if err != nil || len(raw) != 20 {
		return DeliveryKey{}, ErrBadDeliveryID
	}
	k := DeliveryKey{
		Subscription: SubscriptionID(binary.BigEndian.Uint64(raw[0:])),
		Position:     Position(binary.BigEndian.Uint64(raw[8:])),
		Run:          Run(binary.BigEndian.Uint32(raw[16:])),
	}
	// There is one spelling for each delivery. The decoder ignores line ends and a lone trailing character, so the text is
	// compared.
	if k.ID() != text {
		return DeliveryKey{}, ErrBadDeliveryID
	}
	return k, nil
}
