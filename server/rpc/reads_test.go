package rpc_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server"
)

// Sixty lists of one key, whose client read none of them, took 700 MB of a server that may use 256, and every other tenant waited for 14 s.
// What reads answer is charged as what calls send is: those beyond are refused, and can be had again when the others are gone.
func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *server.Config) { c.Memory = 64 }) // Of which 48 MiB are for calls, and half of that for a key.
	text := strings.Repeat("x", 1_000_000)
	for range 6 {
		w.publish("order.created", `{"text":"`+text+`"}`)
	}
	const calls, mostHeld = 40, 3 // A list is 4 MiB, which count four times.
	answered := make(chan string, calls)
	var open []net.Conn
	for range calls {
		open = append(open, w.askAndNotRead("EventService/ListEvents", `{"pageSize":1000}`, answered))
	}
	defer func() {
		for _, one := range open {
			_ = one.Close()
		}
	}()
	statuses := map[string]int{}
	for range calls {
		select {
		case status := <-answered:
			statuses[status]++
		case <-soon(t).Done():
			t.Fatalf("no more answers after %v", statuses)
		}
	}
	if statuses["200"] == 0 || statuses["200"] > mostHeld || statuses["503"] != calls-statuses["200"] {
		t.Errorf("%d lists of which nobody reads anything are answered %v, want at most %d of them 200 and the others 503", calls, statuses, mostHeld)
	}
	got := w.post("/postrider.v1.EventService/ListEvents", adminKey, `{"pageSize":1000}`)
	if got.status != http.StatusServiceUnavailable || got.error(t).reason() != "OVERLOADED" || got.header.Get("Retry-After") == "" {
		t.Errorf("one more is answered %d %s", got.status, got.body[:min(len(got.body), 200)])
	}
	w.publish("order.created", `{}`)
	for _, one := range open {
		_ = one.Close()
	}
	patience := soon(t)
	for w.post("/postrider.v1.EventService/ListEvents", adminKey, `{"pageSize":1000}`).status != http.StatusOK {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-patience.Done():
			t.Fatal("no list is answered although the others have left")
		}
	}
}

// askAndNotRead calls a method over a connection of its own, and reads no more of the answer than its status.
func (w *world) askAndNotRead(method, body string, answered chan<- string) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, err = fmt.Fprintf(conn, "POST /postrider.v1.%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, adminKey, len(body), body)
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		line, _ := bufio.NewReaderSize(conn, 16).ReadString('\n')
		_, status, _ := strings.Cut(strings.TrimSpace(line), " ")
		answered <- status[:min(len(status), 3)]
	}()
	return conn
}
