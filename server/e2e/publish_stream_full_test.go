package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	// torrentEvents of torrentBytes each are sent as fast as the server lets them.
	torrentEvents = 2000
	torrentBytes  = 32 << 10
	// readAhead is how much the server takes of a stream while the disk takes nothing: 4 MiB, in which each event counts as
	// it came and as it is to be stored.
	readAhead = 2 << 20
	// mostAhead is by how much a client gets ahead of the disk: by what is read ahead, as much again that is being stored, and
	// the windows of HTTP/2.
	mostAhead = 2*readAhead + 2<<20
	// mostAheadMB is by how much that lets the server's memory grow.
	mostAheadMB = 48
)

// TestATorrentOfPublishesIsHeldBack lets a client send over a stream while another program keeps the server from writing:
// flow control stops the client, with bounded memory, until everybody is told that the database is locked. When it is not
// any more the client repeats what was not acknowledged: all is stored, once and in order, and other publishers get through.
func TestATorrentOfPublishesIsHeldBack(t *testing.T) {
	s := newServer(t)
	s.mustStart()
	other := newClient(s)
	other.publish(t, untyped("other-0", "other.made", `{}`))
	before := memoryMB(t, s)
	unlock := lockDatabase(t, s)
	to := &torrent{client: newClient(s), unlocked: make(chan struct{}), full: make(chan struct{}), held: make(chan struct{})}
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() { ended <- to.run(ctx) }()

	select {
	case <-to.full:
	case err := <-ended:
		t.Fatalf("after %d events: %v", to.sent.Load(), err)
	}
	_, err := other.events.Publish(ctx, connect.NewRequest(&postriderv1.PublishRequest{Event: untyped("other-1", "other.made", `{}`)}))
	if connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "keeps the database locked") {
		t.Errorf("another publisher is told %v", err)
	}
	select {
	case <-to.held:
	case err := <-ended:
		t.Fatalf("after %d events: %v", to.sent.Load(), err)
	}
	sent, grown := to.sent.Load(), memoryMB(t, s)-before
	if sent*torrentBytes > mostAhead || grown > mostAheadMB {
		t.Errorf("%d events were taken while nothing was stored, and %d MB of memory", sent, grown)
	}
	unlock()
	close(to.unlocked)
	for n := range 10 {
		other.publish(t, untyped(fmt.Sprint("other-", n+1), "other.made", `{}`))
	}
	through := len(to.cursors())
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	to.check(t)
	t.Logf("held back after %d of %d events, memory grew by %d MB; %d were stored when ten of another publisher were", sent, torrentEvents, grown, through)
}

// lockDatabase keeps the server from writing.
func lockDatabase(t *testing.T, s *server) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.data, "postrider.db")+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	unlock = sync.OnceFunc(func() { _ = db.Close() }) // which rolls back
	t.Cleanup(unlock)
	if _, err := db.ExecContext(t.Context(), "begin immediate"); err != nil {
		t.Fatal(err)
	}
	return unlock
}

// torrent publishes as fast as it may, and repeats what was not acknowledged when its stream ends.
type torrent struct {
	client *client
	// full is closed when the server has read ahead all it does, held when it has ended the stream; unlocked says that there
	// is a point in another one.
	full, held, unlocked chan struct{}
	// sent counts the events of the first stream.
	sent atomic.Int64

	mu           sync.Mutex
	acknowledged []string
}

func (to *torrent) cursors() []string {
	to.mu.Lock()
	defer to.mu.Unlock()
	return to.acknowledged
}

func torrentID(n int) string { return fmt.Sprintf("torrent-%06d", n) }

func (to *torrent) run(ctx context.Context) error {
	first := to.client.events.PublishStream(ctx)
	go to.send(first, func(n int) {
		if to.sent.Add(1); n == readAhead/torrentBytes {
			close(to.full)
		}
	})
	if response, err := first.Receive(); connect.CodeOf(err) != connect.CodeUnavailable {
		return fmt.Errorf("the stream is told %v, %w", response, err)
	}
	close(to.held)
	<-to.unlocked
	second := to.client.events.PublishStream(ctx)
	go to.send(second, func(int) {})
	for n := range torrentEvents {
		response, err := second.Receive()
		if err != nil {
			return err
		}
		if ack := response.GetAck(); ack.GetIndex() != int64(n) || ack.GetId() != torrentID(n) || ack.GetDuplicate() {
			return fmt.Errorf("event %d is answered with %v", n, response)
		}
		to.mu.Lock()
		to.acknowledged = append(to.acknowledged, response.GetAck().GetCursor())
		to.mu.Unlock()
	}
	return second.CloseRequest()
}

func (to *torrent) send(
	stream *connect.BidiStreamForClient[postriderv1.PublishStreamRequest, postriderv1.PublishStreamResponse], sent func(n int),
) {
	data := `{"x":"` + strings.Repeat("x", torrentBytes) + `"}`
	for n := range torrentEvents {
		if stream.Send(&postriderv1.PublishStreamRequest{Event: untyped(torrentID(n), "torrent.made", data)}) != nil {
			return
		}
		sent(n)
	}
}

// check holds the log against what was acknowledged.
func (to *torrent) check(t *testing.T) {
	t.Helper()
	n := 0
	for _, event := range to.client.log(t) {
		if event.GetType() != "torrent.made" {
			continue
		}
		if n == torrentEvents || event.GetId() != torrentID(n) || event.GetCursor() != to.acknowledged[n] {
			t.Fatalf("event %d of the log is %s at %s", n, event.GetId(), event.GetCursor())
		}
		n++
	}
	if n != torrentEvents {
		t.Errorf("the log has %d events, want %d", n, torrentEvents)
	}
}
