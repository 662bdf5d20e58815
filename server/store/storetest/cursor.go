package storetest

import (
	"context"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

var cursorCases = []testCase{
	{"a cursor holds across restarts without loss", testCursorAcrossRestarts},
	{"a cursor past the end of its incarnation is a gap", testCursorPastEnd},
	{"a cursor of another log is a gap", testForeignCursor},
	{"a purged place is a gap", testPurgedCursor},
}

func testCursorAcrossRestarts(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(3)
	var cursors []gateway.Cursor
	for p := range gateway.Position(4) {
		cursors = append(cursors, w.Cursor(p))
	}
	hold := func() {
		t.Helper()
		for _, c := range cursors {
			after, gap := w.CheckCursor(c, w.tenant())
			if after != c.Position || gap != gateway.GapNone {
				t.Errorf("cursor at %d: after %d, gap %v", c.Position, after, gap)
			}
		}
	}
	hold()
	w.restart()
	hold()
	cursors = append(cursors, w.Cursor(3))
	w.restart() // nothing was published in between
	hold()
	cursors = append(cursors, w.Cursor(3))
	for _, p := range w.publishMany(2) {
		cursors = append(cursors, w.Cursor(p))
	}
	w.restart()
	hold()
	// An event's cursor does not change with the restarts, so that acks and streams say the same.
	for _, c := range cursors {
		equal(t, "cursor", w.Cursor(c.Position), c)
	}
}

func testCursorPastEnd(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(2)
	lost := w.Cursor(2)
	lost.Position = 7 // as if five more had been published and lost
	if after, gap := w.CheckCursor(lost, w.tenant()); after != 2 || gap != gateway.GapLogReplaced {
		t.Errorf("before: after %d, gap %v", after, gap)
	}
	w.restart()
	w.publishMany(10)
	if after, gap := w.CheckCursor(lost, w.tenant()); after != 2 || gap != gateway.GapLogReplaced {
		t.Errorf("past the old head: after %d, gap %v", after, gap)
	}
}

func testForeignCursor(t *testing.T, fresh Fresh) {
	a, b := running(t, fresh), running(t, fresh)
	a.publishMany(1)
	b.publishMany(3)
	if after, gap := b.CheckCursor(a.Cursor(1), b.tenant()); after != 0 || gap != gateway.GapLogReplaced {
		t.Errorf("after %d, gap %v", after, gap)
	}
}

func testPurgedCursor(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(5)
	purged := *must(w.Tenant(context.Background(), w.tenantID()))(t)
	purged.PurgedTo = 3
	for p, want := range map[gateway.Position]gateway.Gap{2: gateway.GapRetention, 3: gateway.GapNone, 5: gateway.GapNone} {
		after, gap := w.CheckCursor(w.Cursor(p), &purged)
		if after != max(p, 3) || gap != want {
			t.Errorf("cursor at %d: after %d, gap %v, want %v", p, after, gap, want)
		}
	}
}
