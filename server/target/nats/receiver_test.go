package nats_test

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	reference "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/target/nats"
	"github.com/postrider-dev/postrider/server/target/targettest"
)

const (
	secret   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	password = "hunter2hunter2"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	targettest.Run(t, func(t *testing.T, timeout time.Duration) (target.Target, targettest.Receiver, string) {
		r := newReceiver(t)
		return newTarget(t, timeout, map[string]any{
			"urls": []string{r.server.ClientURL()}, "subject": "events.{type}", "user": "postrider", "password": password,
		}), r, password
	}, targettest.SlowDown, targettest.Gone)
}

// local are the servers that the tests' targets may use.
var local = []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "1.1.1.1", "2130706433"}

func newType(t testing.TB) *nats.Type {
	client := egress.New(egress.Config{Guard: egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	t.Cleanup(client.CloseIdle)
	return nats.NewType(client, "1.2.3", local)
}

func newTarget(t testing.TB, timeout time.Duration, config map[string]any) target.Target {
	t.Helper()
	return newTargetOf(t, newType(t), timeout, config)
}

func newTargetOf(t testing.TB, kind *nats.Type, timeout time.Duration, config map[string]any) target.Target {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	to, err := kind.New(target.Spec{Config: text, Secret: secret, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(to.Close)
	return to
}

// newServer starts a server with JetStream. Users are told apart by name, so that a test can end a target's connections.
func newServer(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	options := &server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
		Users: []*server.User{{Username: "postrider", Password: password}, {Username: "receiver", Password: "r"}},
	}
	if change != nil {
		change(options)
	}
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

// receiver is a stream, and a subscriber that records what is published, whether the stream takes it or not.
type receiver struct {
	t        testing.TB
	server   *server.Server
	js       jetstream.JetStream
	verifier *reference.Webhook

	mu       sync.Mutex
	answer   targettest.Answer
	received []targettest.Received
	arrived  chan struct{}
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{t: t, server: newServer(t, nil), arrived: make(chan struct{}, 1)}
	conn, err := natsgo.Connect(r.server.ClientURL(), natsgo.UserInfo("receiver", "r"))
	check(t, err)
	t.Cleanup(conn.Close)
	r.verifier, err = reference.NewWebhook(secret)
	check(t, err)
	r.js, err = jetstream.New(conn)
	check(t, err)
	r.Answer(targettest.Accept)
	_, err = conn.Subscribe("events.>", r.record)
	check(t, err)
	check(t, conn.Flush())
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *receiver) Answer(answer targettest.Answer) {
	config := jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Storage: jetstream.MemoryStorage}
	switch answer {
	case targettest.Accept:
	case targettest.RejectEvent:
		config.MaxMsgSize = 1
	case targettest.Fail:
		config.MaxBytes, config.Discard = 1, jetstream.DiscardNew // It is full.
	case targettest.Swallow, targettest.HangUp:
		config.NoAck = true
	}
	_, err := r.js.CreateOrUpdateStream(r.t.Context(), config)
	check(r.t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) Received() []targettest.Received {
	// What is acknowledged may still be on its way to the subscriber: a message behind it shows that it is there.
	check(r.t, r.js.Conn().Publish(markerSubject, nil))
	<-r.arrived
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]targettest.Received(nil), r.received...)
}

const markerSubject = "events.marker"

func (r *receiver) record(m *natsgo.Msg) {
	if m.Subject == markerSubject {
		r.arrived <- struct{}{}
		return
	}
	var document struct {
		ID        string
		Type      string
		Timestamp time.Time
		Data      json.RawMessage
	}
	if err := r.verifier.Verify(m.Data, map[string][]string(m.Header)); err != nil {
		r.t.Errorf("the receiver: %v", err)
	}
	if err := json.Unmarshal(m.Data, &document); err != nil {
		r.t.Errorf("the receiver: %v", err)
	}
	if m.Header.Get("Nats-Msg-Id") != document.ID || m.Subject != "events."+document.Type {
		r.t.Errorf("the receiver: %s with %v", m.Subject, m.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = append(r.received, targettest.Received{
		ID: document.ID, Type: document.Type, Time: document.Timestamp, Data: document.Data,
		Cursor: m.Header.Get("Postrider-Cursor"),
	})
	if r.answer == targettest.HangUp {
		r.hangUp()
	}
}

// hangUp ends the target's connections.
func (r *receiver) hangUp() {
	conns, err := r.server.Connz(&server.ConnzOptions{Username: true})
	if err != nil {
		r.t.Errorf("the receiver: %v", err)
		return
	}
	for _, c := range conns.Conns {
		if c.AuthorizedUser == "postrider" {
			if err := r.server.DisconnectClientByID(c.Cid); err != nil {
				r.t.Errorf("disconnect %s: %v", strconv.FormatUint(c.Cid, 10), err)
			}
		}
	}
}
