package stream

import "github.com/postrider-dev/postrider/server/gateway"

// SlowPolicy is what a stream does for a reader that is slower than the events. It holds from when the stream has reached the
// end of the log for the first time; until then everything is sent.
type SlowPolicy uint8

// The slow policies.
const (
	// CatchUp sends every event, from the log where it has to.
	CatchUp SlowPolicy = iota
	// LatestByKey sends of the events that wait the newest for each key, and those without a key.
	LatestByKey
	// Drop sends the newest maxWaiting of the events that wait, and before them how many were left out.
	Drop
	// Disconnect ends the stream when more than maxWaiting events wait.
	Disconnect
)

// maxWaiting is how many events may wait for a reader before it counts as slow. An event waits when it was committed while
// the reader was still being sent earlier ones: a burst that finds the reader idle makes nobody slow.
const maxWaiting = 256

func errSlow() error {
	return gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonSlowConsumer,
		"the reader is too slow: more than %d events wait; connect again with the last cursor", maxWaiting)
}

// keyOf is the key by which LatestByKey tells events apart; empty for one that is always sent.
func keyOf(event *gateway.Event) string {
	if event.OrderingKey != "" {
		return event.OrderingKey
	}
	return event.Subject
}
