package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/seal"
)

const ticketPath = "/postrider.v1.EventService/CreateStreamTicket"

// ticket makes a ticket as a client with the key would, and returns the query that has it.
func (w *world) ticket(key, body string) string {
	w.t.Helper()
	got := w.post(ticketPath, key, body)
	var made struct {
		Ticket     string
		ExpireTime time.Time
	}
	if err := json.Unmarshal([]byte(got.body), &made); err != nil || made.Ticket == "" {
		w.t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	if life := time.Until(made.ExpireTime); life > access.TicketLifetime || life < access.TicketLifetime-time.Minute {
		w.t.Errorf("it lives for %v", life)
	}
	return "ticket=" + made.Ticket
}

func TestATicketOpensStreams(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	verbose := func(config *server.Config) { config.Data, config.LogLevel = data, "debug" }
	w := newWorld(t, verbose)
	key, _ := w.key("reader", "", consume)
	ticket := w.ticket(key, `{}`)
	// A page of another site has neither a key nor a cookie, and needs none.
	stream := w.listen(http.DefaultClient, "", ticket+"&types=order.*", "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com")
	stream.expect("begin")
	first := w.publish("order.created", `{}`).GetId()
	stream.expectEvents(first)
	missed := w.publish("order.created", `{}`).GetId()
	stream.cancel()
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if secret := strings.TrimPrefix(ticket, "ticket="); strings.Contains(w.logs.String(), secret) {
		t.Error("the ticket is in the log")
	}
	if !strings.Contains(w.logs.String(), "procedure="+streamPath) {
		t.Error("the stream is not in the log")
	}

	again := newWorld(t, verbose)
	resumed := again.listen(http.DefaultClient, "", ticket+"&types=order.*", "Last-Event-ID", stream.last)
	resumed.expect("begin")
	resumed.expectEvents(missed, again.publish("order.created", `{}`).GetId())
}

func TestATicketShowsWhatItIsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	key, _ := w.key("reader of acme", "acme", consume, publish)
	ticket := w.ticket(adminKey, `{"tenant":"acme","types":["order.*"],"expression":"event.data.n > 1.0"}`)
	stream := w.listen(http.DefaultClient, "", ticket)
	stream.expect("begin")
	w.publish("order.created", `{"n":5}`) // in the default tenant
	publishAs := func(eventType, data string) string {
		response, err := w.as(key).events.Publish(t.Context(), publishRequest(eventType, data))
		if err != nil {
			t.Fatal(err)
		}
		return response.Msg.GetId()
	}
	publishAs("payment.made", `{"n":5}`)
	publishAs("order.created", `{"n":1}`)
	stream.expectEvents(publishAs("order.created", `{"n":2}`))

	for query, status := range map[string]int{
		"&tenant=acme": http.StatusOK, "&tenant=default": http.StatusNotFound, "&tenant=nobody": http.StatusNotFound,
		"&types=*": http.StatusBadRequest, "&types=order.*": http.StatusOK, "&types=order.paid": http.StatusOK,
		"&types=order.paid,payment.made": http.StatusBadRequest, "&types=orders.*": http.StatusBadRequest,
		"&expression=true": http.StatusBadRequest, "&filter={\"name\":\"a\"}": http.StatusBadRequest,
	} {
		if response, _ := w.open(http.DefaultClient, "", ticket+query); response.StatusCode != status {
			t.Errorf("%s: %d, want %d", query, response.StatusCode, status)
		}
	}
	less := w.listen(http.DefaultClient, "", w.ticket(key, `{"types":["order.*"]}`)+"&types=order.paid&expression=event.data.n+>+1.0")
	less.expect("begin")
	publishAs("order.created", `{"n":5}`)
	publishAs("order.paid", `{"n":1}`)
	less.expectEvents(publishAs("order.paid", `{"n":2}`))
	open := w.ticket(key, `{}`)
	if response, _ := w.open(http.DefaultClient, "", open+"&tenant=default"); response.StatusCode != http.StatusNotFound {
		t.Errorf("another tenant with a ticket of a tenant's key: %d", response.StatusCode)
	}
}

func TestTicketsThatAreRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := newWorld(t, func(config *server.Config) { config.Data = data })
	w.tenant("acme")
	ring, err := seal.LoadKeyring("", data)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := seal.LoadKeyring("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	secret, id := w.key("reader of acme", "acme", consume)
	publisher, publisherID := w.key("publisher", "", publish)
	good := access.Ticket{
		KeyID: id, KeyHash: access.HashKey(secret), Tenant: 2, Issued: time.Now(), Expires: time.Now().Add(time.Minute),
	}
	with := func(change func(*access.Ticket)) string {
		ticket := good
		change(&ticket)
		return access.SealTicket(ring, ticket)
	}
	text := access.SealTicket(ring, good)
	if response, _ := w.open(http.DefaultClient, "", "ticket="+text); response.StatusCode != http.StatusOK {
		t.Fatalf("the good ticket is refused: %d", response.StatusCode)
	}
	for _, tt := range []struct {
		name, ticket, code, message string
	}{
		{"empty", "", "unauthenticated", "not one of this server"},
		{"a key", secret, "unauthenticated", "not one of this server"},
		{"tampered with", text[:40] + string(text[40]^1) + text[41:], "unauthenticated", "not one of this server"},
		{"of another server", access.SealTicket(foreign, good), "unauthenticated", "not one of this server"},
		{"expired", with(func(t *access.Ticket) { t.Expires = time.Now().Add(-time.Second) }), "unauthenticated", "expired"},
		{"of a key with another secret", with(func(t *access.Ticket) { t.KeyHash = access.HashKey("k") }), "unauthenticated", "not one of"},
		{"of another key's id", with(func(t *access.Ticket) { t.KeyID = publisherID }), "unauthenticated", "not one of"},
		{"for a tenant that is not the key's", with(func(t *access.Ticket) { t.Tenant = 1 }), "unauthenticated", "not one of"},
		{"of a key that may not read", with(func(t *access.Ticket) {
			t.KeyID, t.KeyHash = publisherID, access.HashKey(publisher)
		}), "permission_denied", "scope consume"},
	} {
		cookie := w.signIn(adminKey).String()
		got := w.do(http.MethodGet, streamPath+"?ticket="+url.QueryEscape(tt.ticket), "", "", "Cookie", cookie)
		if told := got.error(t); told.Code != tt.code || !strings.Contains(told.Message, tt.message) {
			t.Errorf("%s: %s", tt.name, got.body)
		}
	}
	// A ticket opens streams and nothing else.
	if got := w.post(listPath+"?ticket="+text, "", `{}`).error(t); got.Code != "unauthenticated" {
		t.Errorf("events can be listed with a ticket: %v", got)
	}
	if got := w.post(listPath, text, `{}`).error(t); got.Code != "unauthenticated" {
		t.Errorf("a ticket is taken for a key: %v", got)
	}
	for field, body := range map[string]string{
		"expression": `{"expression":"event.typ"}`, "types[0]": `{"types":["a b"]}`, "tenant": `{"tenant":"default"}`,
	} {
		if got := w.post(ticketPath, secret, body); got.status == http.StatusOK || !strings.Contains(got.body, field) {
			t.Errorf("%s makes a ticket: %s", body, got.body)
		}
	}
}

func TestATicketIsGoodForAsLongAsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.admin().events.CreateStreamTicket(t.Context(), connect.NewRequest(&postriderv1.CreateStreamTicketRequest{
		Lifetime: durationpb.New(8 * time.Second),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(made.Msg.GetExpireTime().AsTime()); left > 8*time.Second {
		t.Errorf("it ends in %v", left)
	}
	stream := w.listen(http.DefaultClient, "", "ticket="+made.Msg.GetTicket())
	stream.expect("begin")
	stream.expect("end")
	for _, lifetime := range []string{"0.5s", "901s"} {
		got := w.post(ticketPath, adminKey, fmt.Sprintf(`{"lifetime":%q}`, lifetime))
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, "lifetime") {
			t.Errorf("%s: %d %s", lifetime, got.status, got.body)
		}
	}
}

func TestATicketEnds(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := newWorld(t, func(config *server.Config) { config.Data = data })
	ring, err := seal.LoadKeyring("", data)
	if err != nil {
		t.Fatal(err)
	}
	secret, id := w.key("reader", "", consume)
	short := access.Ticket{
		KeyID: id, KeyHash: access.HashKey(secret), Tenant: 1, Issued: time.Now(), Expires: time.Now().Add(8 * time.Second),
	}
	const ended = `{"code":"unauthenticated","reason":"UNAUTHENTICATED","message":"%s","reconnect":false}`
	expiring := w.listen(http.DefaultClient, "", "ticket="+access.SealTicket(ring, short))
	expiring.expect("begin")
	if end := expiring.expect("end"); end.data != fmt.Sprintf(ended, "the ticket has expired; make a new one") {
		t.Errorf("after it expired: %s", end.data)
	}

	ticket := w.ticket(secret, `{}`)
	revoked := w.listen(http.DefaultClient, "", ticket)
	revoked.expect("begin")
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id})); err != nil {
		t.Fatal(err)
	}
	if end := revoked.expect("end"); end.data != fmt.Sprintf(ended, "the key is revoked") {
		t.Errorf("after its key was revoked: %s", end.data)
	}
	if got := w.do(http.MethodGet, streamPath+"?"+ticket, "", "").error(t); got.Code != "unauthenticated" {
		t.Errorf("a ticket of a revoked key: %v", got)
	}
}
