package rpc_test

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
)

// from is a client at an address of this machine.
func from(t *testing.T, address string) *http.Client {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Whoever opens as many streams as possible gets a part of what is free, and so leaves room for everybody else.
func TestNobodyTakesAllStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(config *server.Config) { config.MaxStreams = 12 })
	w.tenant("acme")
	greedy, _ := w.key("greedy", "", consume)
	modest, _ := w.key("modest", "", consume)
	stranger, _ := w.key("stranger", "acme", consume)
	healthy := w.listen(http.DefaultClient, modest, "")
	healthy.expect("begin")

	var opened []*http.Response
	// fill opens streams until one is refused, and returns how many were not.
	fill := func(client *http.Client, key string) (n int, refused answer) {
		t.Helper()
		for ; n < 12; n++ {
			response, cancel := w.open(client, key, "")
			if response.StatusCode != http.StatusOK {
				cancel()
				return n, w.doOver(client, http.MethodGet, streamPath, key, "")
			}
			opened = append(opened, response)
		}
		return n, answer{}
	}
	here, there := from(t, "127.0.0.1"), from(t, "127.0.0.2")
	for _, tt := range []struct {
		name   string
		client *http.Client
		key    string
		want   int
		why    string
	}{
		{"one client: less than half of what is free", here, greedy, 4, "this key at this address has 4, which is its share while 7 of 12 are free"},
		{"its key elsewhere: less than what is free", there, greedy, 2, "this key has 6, which is its share while 5 of 12 are free"},
		{"another key of the tenant: less than twice what is free", there, modest, 1, "its tenant has 8, which is its share while 4 of 12 are free"},
		{"another tenant", here, stranger, 2, "this key at this address has 2, which is its share while 2 of 12 are free"},
	} {
		got, refused := fill(tt.client, tt.key)
		if got != tt.want {
			t.Errorf("%s: %d streams, want %d", tt.name, got, tt.want)
		}
		told := refused.error(t)
		seconds, _ := strconv.Atoi(refused.header.Get("Retry-After"))
		if refused.status != http.StatusTooManyRequests || told.reason() != "TOO_MANY_STREAMS" || !strings.Contains(told.Message, tt.why) || seconds < 1 {
			t.Errorf("%s: %d %v %s", tt.name, refused.status, refused.header, refused.body)
		}
	}
	stream, err := w.as(greedy).events.Subscribe(soon(t), connect.NewRequest(&postriderv1.SubscribeRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if stream.Receive() || codeOf(stream.Err()) != "resource_exhausted" {
		t.Errorf("over Connect: %v", stream.Err())
	}
	healthy.expectEvents(w.publish("order.created", `{}`).GetId())

	// What is closed is free again.
	for _, response := range opened {
		_ = response.Body.Close()
	}
	w.waitForStreams("", 1)
	w.waitForStreams("acme", 0)
	if got, _ := fill(here, stranger); got != 4 {
		t.Errorf("with everything free again, a client gets %d", got)
	}
}
