package stream

import "github.com/postrider-dev/postrider/server/gateway"

// SlowPolicy is what a stream does when its reader is slower than the events. It applies once the stream has reached the end
// of the log for the first time; until then everything is sent.
type SlowPolicy uint8

// The slow policies.
const (
	// CatchUp sends every event, and reads from the log if necessary.
	CatchUp SlowPolicy = iota
	// LatestByKey sends, of the waiting events, the newest of each key and all without a key.
	LatestByKey
	// Drop sends the newest maxWaiting of the waiting events, and before them the number of events that were dropped.
	Drop
	// Disconnect ends the stream when more than maxWaiting events are waiting.
	Disconnect
)

// maxWaiting is the number of waiting events up to which a reader does not count as slow. An event waits if it was committed
// while earlier ones were still being sent to the reader. A burst for an idle reader therefore does not make it slow.
const maxWaiting = 256

func errSlow() error {
	return gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonSlowConsumer,
		"the reader is too slow: more than %d events wait; connect again with the last cursor", maxWaiting)
}

// keyOf returns the key of an event for LatestByKey; empty for an event that is always sent.
func keyOf(event *gateway.Event) string {
	if event.OrderingKey != "" {
		return event.OrderingKey
	}
	return event.Subject
}
