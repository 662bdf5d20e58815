package streamtest

import (
	"testing"
	"testing/synctest"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Transport is the transport under test, as its clients see it.
type Transport struct {
	// Open asks for a stream as a client with this key. What is wrong with the request may also be the error of the first Next.
	Open func(key string, request *postriderv1.SubscribeRequest) (Stream, error)
	// InLines means that each message is a line, so that line breaks between the tokens of a payload arrive as spaces.
	InLines bool
}

// Stream is an open stream, read by its client.
type Stream interface {
	// Next waits for the next message. The error is an *End with which the server ended the stream or refused it.
	Next() (*postriderv1.SubscribeResponse, error)
	// Close leaves.
	Close()
}

// Setup serves a transport in a world.
type Setup func(t *testing.T, w *World) Transport

// cases are what every transport promises.
var cases = []struct {
	name string
	test func(*client)
}{
	{"begins where it was asked to", beginWhereAsked},
	{"stored and live events come once", comeOnce},
	{"events arrive intact", arriveIntact},
	{"resumes at any cursor", resume},
	{"begins at a time", beginAtATime},
	{"a gap has its reason", tellGap},
	{"types and an expression select", selectEvents},
	{"filters are named", nameFilters},
	{"heartbeats come in time", beat},
	{"tenants are apart", keepTenantsApart},
	{"slow: catch up", catchUp},
	{"slow: drop", drop},
	{"slow: disconnect", disconnect},
	{"slow: latest by key", sendLatestByKey},
	{"ends when the server stops", endWithServer},
	{"ends with its key", endWithKey},
	{"an operator ends it", endByOperator},
	{"a client that leaves frees its place", freePlace},
	{"faults of a request are named", refuseRequests},
	{"callers are checked", refuseCallers},
}

// Run runs the suite.
func Run(t *testing.T, setup Setup) {
	for _, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := New(t)
				one.test(&client{World: w, t: t, transport: setup(t, w)})
			})
		})
	}
}
