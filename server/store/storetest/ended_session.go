package storetest

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var endedSessionCases = []testCase{
	{"a session that is ended stays so after a restart", testEndedSession},
	{"ending many sessions of a key ends the older ones together", testManyEndedSessions},
	{"a session that expired long ago leaves nothing", testExpiredEndedSession},
	{"a session that was ended does not come back when a clock that was ahead is set back", testEndedByAClockAhead},
	{"sessions that have expired are the first to go", testManyExpiredSessions},
}

func session(key string, number int, expires time.Time) gateway.Session {
	one := gateway.Session{KeyID: key, Expires: expires.Truncate(time.Second)}
	binary.BigEndian.PutUint64(one.ID[:], uint64(number))
	return one
}

func (w *world) endSession(one gateway.Session) {
	w.t.Helper()
	if err := w.EndSession(context.Background(), one); err != nil {
		w.t.Fatal(err)
	}
}

func testEndedSession(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	expires := time.Now().Add(time.Hour)
	own, other := session("key_1", 1, expires), session("key_1", 2, expires)
	equal(t, "before", w.SessionEnded(own), false)
	w.endSession(own)
	w.endSession(own)
	for _, when := range []string{"after", "after a restart"} {
		equal(t, when, w.SessionEnded(own), true)
		equal(t, "another session "+when, w.SessionEnded(other), false)
		w.restart()
	}
}

func testManyEndedSessions(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	begin := time.Now().Add(time.Hour)
	for i := range 3*store.MaxEndedSessions + 5 {
		w.endSession(session("key_1", i, begin.Add(time.Duration(i)*time.Second)))
	}
	later := session("key_1", -1, begin.Add(24*time.Hour))
	for _, when := range []string{"after", "after a restart"} {
		for i := range 3*store.MaxEndedSessions + 5 {
			if !w.SessionEnded(session("key_1", i, begin.Add(time.Duration(i)*time.Second))) {
				t.Fatalf("session %d goes on %s", i, when)
			}
		}
		equal(t, "one that signed in later, "+when, w.SessionEnded(later), false)
		equal(t, "another key's, "+when, w.SessionEnded(session("key_2", -1, begin)), false)
		w.restart()
	}
}

func testExpiredEndedSession(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	old := session("key_1", 1, time.Now().Add(-31*24*time.Hour))
	w.endSession(old)
	w.endSession(session("key_2", 2, time.Now().Add(time.Hour)))
	w.restart()
	equal(t, "a session that expired anyway is remembered", w.SessionEnded(old), false)
}

// To a clock that is a day ahead, a session that goes on for hours has expired.
func testEndedByAClockAhead(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	own := session("key_1", 1, time.Now().Add(-12*time.Hour))
	w.endSession(own)
	w.endSession(session("key_1", 2, time.Now().Add(12*time.Hour)))
	w.endSession(session("key_2", 3, time.Now().Add(12*time.Hour)))
	for _, when := range []string{"after others were ended", "after a restart"} {
		equal(t, when, w.SessionEnded(own), true)
		w.restart()
	}
}

func testManyExpiredSessions(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	for i := range 2 * store.MaxEndedSessions {
		w.endSession(session("key_1", i, time.Now().Add(-time.Hour)))
	}
	own := session("key_1", -1, time.Now().Add(2*time.Hour))
	w.endSession(own)
	equal(t, "own", w.SessionEnded(own), true)
	equal(t, "another", w.SessionEnded(session("key_1", -2, time.Now().Add(time.Hour))), false)
}
