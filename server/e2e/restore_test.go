package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/e2e/tally"
)

// TestRestore puts an older copy of the data back and grows the log past its old head. A cursor from the part that is
// gone then names a position that exists again, with another event at it: its reader must be told.
func TestRestore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		backup func(t *testing.T, s *server, folder string)
		// fromEarliest: the lost events were of an incarnation that the backup does not know, so nothing says what their
		// reader and the log have in common.
		fromEarliest bool
	}{
		{"copied while stopped", backUpStopped, true},
		{"copied while running", backUpRunning, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.mustStart()
			c := newClient(s)
			publishNumbered(t, c, "kept", 10)
			kept := c.readFrom(t, "earliest", 10)
			backup := t.TempDir()
			test.backup(t, s, backup)

			publishNumbered(t, c, "gone", 10)
			gone := c.readFrom(t, kept.cursor, 10)
			s.stop()
			restore(t, s, backup)
			s.mustStart()
			c = newClient(s)
			again := publishNumbered(t, c, "new", 30)
			want := again
			if test.fromEarliest {
				want = slices.Concat(kept.ids, again)
			}

			var resumed reading
			for _, lost := range gone.cursors {
				resumed = c.readFrom(t, lost, len(want))
				if resumed.gap != postriderv1.GapReason_GAP_REASON_LOG_REPLACED {
					t.Errorf("a cursor of a lost event: the first message tells the gap %v", resumed.gap)
				}
				if !slices.Equal(resumed.ids, want) {
					t.Errorf("after the gap come %v, want %v", resumed.ids, want)
				}
			}
			whole := c.readFrom(t, kept.cursor, 30)
			if whole.gap != 0 || !slices.Equal(whole.ids, again) {
				t.Errorf("a cursor from before the backup: gap %v, then %v, want none, then %v", whole.gap, whole.ids, again)
			}
			after := c.readFrom(t, resumed.cursors[9], len(want)-10)
			if after.gap != 0 || !slices.Equal(after.ids, want[10:]) {
				t.Errorf("a cursor of the new log: gap %v, then %v", after.gap, after.ids)
			}
			tally.Print(t, "kept=10 gone=10 new=30 gap=%v", resumed.gap)
		})
	}
}

func publishNumbered(t *testing.T, c *client, name string, n int) (ids []string) {
	t.Helper()
	for i := range n {
		id := fmt.Sprintf("%s-%02d", name, i)
		c.publish(t, untyped(id, "order.created", fmt.Sprintf(`{"n":%d}`, i)))
		ids = append(ids, id)
	}
	return ids
}

// reading is what a stream has shown.
type reading struct {
	// gap is that of the first message; 0 when it tells of none.
	gap          postriderv1.GapReason
	ids, cursors []string
	// cursor is the last one.
	cursor string
}

// readFrom reads n events from a cursor on.
func (c *client) readFrom(t *testing.T, start string, n int) (r reading) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := c.events.Subscribe(ctx, connect.NewRequest(&postriderv1.SubscribeRequest{Start: start}))
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	defer func() { _ = stream.Close() }()
	for first := true; len(r.ids) < n && stream.Receive(); first = false {
		message := stream.Msg()
		if first != (message.GetBegin() != nil) {
			t.Fatalf("a begin must be the first message and no other: %v", message)
		}
		if first {
			r.gap = message.GetBegin().GetGap().GetReason()
		}
		if event := message.GetEvent(); event != nil {
			r.ids, r.cursors = append(r.ids, event.GetId()), append(r.cursors, message.GetCursor())
		}
		r.cursor = message.GetCursor()
	}
	if len(r.ids) < n {
		t.Fatalf("the stream from %s ended after %d of %d events: %v", start, len(r.ids), n, stream.Err())
	}
	return r
}

// backUpStopped copies the folder between two starts.
func backUpStopped(t *testing.T, s *server, folder string) {
	t.Helper()
	s.stop()
	copyFolder(t, s.data, folder)
	s.mustStart()
}

// backUpRunning lets SQLite copy the database beside the running server, and adds the keys.
func backUpRunning(t *testing.T, s *server, folder string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.data, "postrider.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "vacuum into ?", filepath.Join(folder, "postrider.db")); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(s.data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "secret.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
}

// restore puts a copy in the place of the data.
func restore(t *testing.T, s *server, folder string) {
	t.Helper()
	if err := os.RemoveAll(s.data); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, folder, s.data)
}

// copyFolder keeps the modes, as whoever copies keys must.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	run(t, "", nil, "cp", "-a", from+"/.", to)
}
