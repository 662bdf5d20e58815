package rpc_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/seal"
)

func (c clients) listStreams(t *testing.T, request *postriderv1.ListStreamsRequest) *postriderv1.ListStreamsResponse {
	t.Helper()
	response, err := c.streams.ListStreams(soon(t), connect.NewRequest(request))
	if err != nil {
		t.Fatal(err)
	}
	return response.Msg
}

// streamID is the id that the first message of server-sent events tells.
func streamID(t *testing.T, opened sent) string {
	t.Helper()
	var told struct{ Stream string }
	if err := json.Unmarshal([]byte(opened.data), &told); err != nil || !strings.HasPrefix(told.Stream, "str_") {
		t.Fatalf("%+v tells of no stream: %v", opened, err)
	}
	return told.Stream
}

func TestOpenStreamsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	key, keyID := w.key("reader", "", consume)
	asked := &postriderv1.SubscribeRequest{
		Filters:    []*postriderv1.NamedFilter{{Name: "orders", Types: []string{"order.*"}}, {Name: "all"}},
		SlowPolicy: postriderv1.SlowPolicy_SLOW_POLICY_DISCONNECT,
	}
	over := func(options ...connect.ClientOption) clients {
		return w.over(&http.Client{Transport: &withKey{key, h2c()}}, options...)
	}
	ids := []string{
		subscribe(t, over(), asked).Msg().GetBegin().GetStream(),
		subscribe(t, over(connect.WithGRPC()), asked).Msg().GetBegin().GetStream(),
		subscribe(t, over(connect.WithGRPCWeb()), asked).Msg().GetBegin().GetStream(),
	}
	source := w.listen(http.DefaultClient, key, "types=order.*&expression=true", "User-Agent", "the test")
	ids = append(ids, streamID(t, source.expect("begin")))
	var begin struct{ Begin struct{ Stream string } }
	if err := json.Unmarshal([]byte(w.listenLines("").next()), &begin); err != nil {
		t.Fatal(err)
	}
	ids = append(ids, begin.Begin.Stream)
	subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Tenant: "acme", Types: []string{"never"}})

	last := w.publish("order.created", `{}`).GetCursor()
	source.expect("message")
	w.publish("payment.made", `{}`)
	list := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{})
	var got []string
	var transports []postriderv1.LiveStream_Transport
	for _, one := range list.GetStreams() {
		got, transports = append(got, one.GetId()), append(transports, one.GetTransport())
		if !strings.HasPrefix(one.GetRemoteAddress(), "127.0.0.1:") || one.GetTenant() != "default" || one.GetUserAgent() == "" ||
			one.GetAdmission() != postriderv1.LiveStream_ADMISSION_KEY || time.Since(one.GetOpenTime().AsTime()) > time.Minute || one.GetExpireTime() != nil {
			t.Errorf("listed as %v", one)
		}
	}
	if !slices.Equal(got, ids) || list.GetTotal() != 5 || !slices.IsSorted(transports) || slices.Contains(transports, 0) {
		t.Errorf("got %v over %v, %d in all; want %v", got, transports, list.GetTotal(), ids)
	}
	if one := list.GetStreams()[0]; one.GetApiKeyId() != keyID || one.GetApiKeyName() != "reader" || len(one.GetFilters()) != 2 ||
		one.GetFilters()[0].GetName() != "orders" || one.GetSlowPolicy() != postriderv1.SlowPolicy_SLOW_POLICY_DISCONNECT {
		t.Errorf("the first is listed as %v", one)
	}
	if one := list.GetStreams()[3]; one.GetUserAgent() != "the test" || one.GetSent() != 1 || !one.GetLive() || one.GetCursor() < last ||
		one.GetFilters()[0].GetTypes()[0] != "order.*" || one.GetFilters()[0].GetExpression() != "true" {
		t.Errorf("the fourth is listed as %v", one)
	}
	if one := list.GetStreams()[4]; one.GetApiKeyId() != "" || one.GetApiKeyName() != "" {
		t.Errorf("the admin's is listed as %v", one)
	}
	for waiting := soon(t); ; { // Until the stream has come to rest.
		other := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{Tenant: "acme"})
		if other.GetTotal() == 1 && other.GetStreams()[0].GetLag() == 0 {
			break
		}
		if waiting.Err() != nil {
			t.Fatalf("the other tenant has %v", other)
		}
	}
	var paged []string
	for page := (&postriderv1.ListStreamsRequest{PageSize: 2}); ; {
		answer := w.admin().listStreams(t, page)
		for _, one := range answer.GetStreams() {
			paged = append(paged, one.GetId())
		}
		if page.PageToken = answer.GetNextPageToken(); page.PageToken == "" {
			break
		}
	}
	if !slices.Equal(paged, ids) {
		t.Errorf("in pages of two: %v, want %v", paged, ids)
	}
}

func TestAnOperatorEndsAStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	source := w.listen(http.DefaultClient, adminKey, "")
	sourceID := streamID(t, source.expect("begin"))
	called := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{})
	end := func(tenant, id string) error {
		_, err := w.admin().streams.DisconnectStream(soon(t), connect.NewRequest(&postriderv1.DisconnectStreamRequest{Tenant: tenant, Id: id}))
		return err
	}
	for _, elsewhere := range []error{end("acme", sourceID), end("", "str_nobody")} {
		if codeOf(elsewhere) != "not_found" {
			t.Errorf("a stream that the tenant has not: %v", elsewhere)
		}
	}
	for _, id := range []string{sourceID, called.Msg().GetBegin().GetStream()} {
		if err := end("", id); err != nil {
			t.Fatal(err)
		}
	}
	const told = `{"code":"permission_denied","reason":"DISCONNECTED","message":"an operator ended the stream","reconnect":false}`
	if last := source.expect("end"); last.data != told {
		t.Errorf("ends with %s", last.data)
	}
	if called.Receive() || codeOf(called.Err()) != "permission_denied" || !strings.Contains(called.Err().Error(), "operator") {
		t.Errorf("ends with %v", called.Err())
	}
	if err := end("", sourceID); codeOf(err) != "not_found" {
		t.Errorf("again: %v", err)
	}
	if left := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{}); left.GetTotal() > 2 {
		t.Errorf("left: %v", left)
	}
}

// A ticket is made anew while the stream goes on: it ends with the new one, not with the one that opened it.
func TestAStreamIsRenewed(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := newWorld(t, func(config *server.Config) { config.Data = data })
	ring, err := seal.LoadKeyring("", data)
	if err != nil {
		t.Fatal(err)
	}
	secret, id := w.key("reader", "", consume)
	until := func(end time.Time) string {
		return access.SealTicket(ring, access.Ticket{
			KeyID: id, KeyHash: access.HashKey(secret), Tenant: 1, Types: []string{"order.*"}, Issued: time.Now(), Expires: end,
		})
	}
	first := time.Now().Truncate(time.Second).Add(8 * time.Second)
	second := first.Add(3 * time.Second)
	source := w.listen(http.DefaultClient, "", "ticket="+until(first))
	opened := source.expect("begin")
	var told struct{ ExpireTime time.Time }
	if err := json.Unmarshal([]byte(opened.data), &told); err != nil || !told.ExpireTime.Equal(first) {
		t.Errorf("opens with %s: %v", opened.data, err)
	}
	renewed, err := w.as("").streams.RenewStream(soon(t), connect.NewRequest(&postriderv1.RenewStreamRequest{
		Id: streamID(t, opened), Ticket: until(second),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if end := renewed.Msg.GetExpireTime().AsTime(); !end.Equal(second) {
		t.Errorf("it ends at %v, want %v", end, second)
	}
	if one := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{}).GetStreams()[0]; !one.GetExpireTime().AsTime().Equal(second) ||
		one.GetAdmission() != postriderv1.LiveStream_ADMISSION_TICKET || one.GetApiKeyName() != "reader" {
		t.Errorf("listed as %v", one)
	}
	if end := source.expect("end"); !strings.Contains(end.data, `"the ticket has expired; make a new one","reconnect":false`) {
		t.Errorf("ends with %s", end.data)
	}
	if late := time.Since(second); late < 0 || late > endsWithin {
		t.Errorf("it ended %v after the new ticket", late)
	}
}

func TestWhoMayRenewAStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	reader, _ := w.key("reader", "", consume)
	stranger, _ := w.key("stranger", "acme", consume)
	publisher, _ := w.key("publisher", "", publish)
	all := w.listen(http.DefaultClient, reader, "types=order.*")
	allID := streamID(t, all.expect("begin"))
	text := func(key, body string) string { return strings.TrimPrefix(w.ticket(key, body), "ticket=") }
	orders := text(reader, `{"types":["order.*"]}`)
	some := w.listen(http.DefaultClient, "", "ticket="+orders)
	someID := streamID(t, some.expect("begin"))
	for _, tt := range []struct{ name, key, id, ticket, code string }{
		{"a key", reader, allID, "", "ok"},
		{"the admin key", adminKey, allID, "", "ok"},
		{"nothing", "", allID, "", "unauthenticated"},
		{"a key that may not read", publisher, allID, "", "permission_denied"},
		{"a key that may not read with a ticket", publisher, allID, orders, "permission_denied"},
		{"a key of another tenant", stranger, allID, "", "not_found"},
		{"a ticket of another tenant", "", allID, text(stranger, `{}`), "not_found"},
		{"a ticket for all", "", allID, text(reader, `{}`), "ok"},
		{"a ticket for what it carries", "", allID, orders, "ok"},
		{"a ticket for the same, made anew", "", someID, text(reader, `{"types":["order.*"]}`), "ok"},
		{"a ticket for more", "", someID, text(reader, `{"types":["payment.made","order.*"]}`), "ok"},
		{"a ticket for less", "", someID, text(reader, `{"types":["order.created"]}`), "permission_denied"},
		{"a ticket for other events", "", someID, text(reader, `{"types":["order.*"],"expression":"false"}`), "permission_denied"},
		{"no ticket", "", someID, "ticket", "unauthenticated"},
		{"a stream that is not open", reader, "str_nobody", "", "not_found"},
	} {
		_, err := w.as(tt.key).streams.RenewStream(soon(t), connect.NewRequest(&postriderv1.RenewStreamRequest{Id: tt.id, Ticket: tt.ticket}))
		if codeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	// A session of the web UI does as well, on pages of the server itself.
	cookie := w.signIn(reader).String()
	for origin, want := range map[string]int{"same-origin": http.StatusOK, "cross-site": http.StatusForbidden} {
		got := w.do(http.MethodPost, "/postrider.v1.StreamService/RenewStream", "", `{"id":"`+allID+`"}`, "Cookie", cookie, "Sec-Fetch-Site", origin)
		if got.status != want || want == http.StatusOK && !strings.Contains(got.body, "expireTime") {
			t.Errorf("by session from %s: %d %s", origin, got.status, got.body)
		}
	}
}

// Each watch looked at every stream once a second, however many watches there were: a few hundred took all processors.
func TestWatchesOfStreamsAreShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	open := func(key string) error {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		watch, err := w.as(key).streams.WatchStreams(ctx, connect.NewRequest(&postriderv1.WatchStreamsRequest{}))
		if err == nil && !watch.Receive() {
			err = watch.Err()
		}
		return err
	}
	other, _ := w.key("other", "acme", admin)
	opened := 0
	var err error
	for ; opened < 96 && err == nil; opened++ {
		err = open(adminKey)
	}
	if opened != 33 || codeOf(err) != "resource_exhausted" {
		t.Errorf("after %d watches of one client: %v", opened, err)
	}
	if err := open(other); err != nil {
		t.Errorf("a watch of another tenant: %v", err)
	}
}

func TestStreamsAreWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	first := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Types: []string{"order.*"}})
	firstID := first.Msg().GetBegin().GetStream()
	subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Tenant: "acme"})
	watch, err := w.admin().streams.WatchStreams(soon(t), connect.NewRequest(&postriderv1.WatchStreamsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watch.Close() }()
	next := func() *postriderv1.WatchStreamsResponse {
		t.Helper()
		if !watch.Receive() {
			t.Fatal(watch.Err())
		}
		return watch.Msg()
	}
	if one := next().GetSnapshot(); one.GetId() != firstID || one.GetSent() != 0 {
		t.Errorf("the snapshot begins with %v", one)
	}
	if end := next().GetSnapshotEnd(); end.GetTotal() != 1 {
		t.Errorf("the snapshot ends with %v", watch.Msg())
	}
	w.publish("order.created", `{}`)
	nextEvent(t, first)
	for change := next().GetChange(); change.GetSent() != 1; change = next().GetChange() {
		if change.GetId() != firstID {
			t.Fatalf("got %v", watch.Msg())
		}
	}
	second := w.listen(http.DefaultClient, adminKey, "")
	secondID := streamID(t, second.expect("begin"))
	for change := next().GetChange(); change.GetId() != secondID; change = next().GetChange() {
		if change.GetId() != firstID {
			t.Fatalf("got %v", watch.Msg())
		}
	}
	second.cancel()
	for ended := next().GetEnded(); ended != secondID; ended = next().GetEnded() {
		if watch.Msg().GetChange() == nil {
			t.Fatalf("got %v", watch.Msg())
		}
	}
}
