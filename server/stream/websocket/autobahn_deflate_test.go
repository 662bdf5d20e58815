package websocket_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/stream/websocket"
)

// deflateRounds is how many messages each case sends; the list has 1,000, which take minutes and find nothing more.
const deflateRounds = 12

// deflateSizes are the messages of a case of groups 12 and 13, and the fragments they are sent in; 0 for whole ones.
var deflateSizes = []struct{ size, fragment int }{
	{16, 0},
	{64, 0},
	{256, 0},
	{1 << 10, 0},
	{4 << 10, 0},
	{8 << 10, 0},
	{16 << 10, 0},
	{32 << 10, 0},
	{64 << 10, 0},
	{128 << 10, 0},
	{8 << 10, 256},
	{16 << 10, 256},
	{32 << 10, 256},
	{64 << 10, 256},
	{128 << 10, 256},
	{128 << 10, 1 << 10},
	{128 << 10, 4 << 10},
	{128 << 10, 32 << 10},
}

// Group 12: compressed messages of five kinds of content.
func TestAutobahn12Deflate(t *testing.T) {
	t.Parallel()
	contents := []struct {
		op   byte
		make func(size int) string
	}{
		{opText, func(n int) string { return cut(`{"firstName":"Ada","tags":["a","b"],"total":1234567},`, n) }},
		{opBinary, noise},
		{opText, func(n int) string { return cut("Habe nun, ach! Philosophie, Juristerei und Medizin, ", n) }},
		{opBinary, func(n int) string { return cut("127.0.0.1 - - [10/Oct/2000] \"GET / HTTP/1.0\" 200 2326\n", n) }},
		{opText, func(n int) string { return strings.Repeat("*", n) }},
	}
	for i, content := range contents {
		deflateGroup(t, fmt.Sprintf("12.%d", i+1), "permessage-deflate; client_max_window_bits", true, content.op, content.make)
	}
}

// Group 13: what a client may ask for when it offers the extension. Go cannot compress with a smaller window, so an offer
// that insists on one is declined, and messages are as without.
func TestAutobahn13DeflateOffers(t *testing.T) {
	t.Parallel()
	const offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
	for i, tt := range []struct {
		offer  string
		agreed bool
	}{
		{offer, true},
		{offer + "; server_no_context_takeover", true},
		{offer + "; server_max_window_bits=9", false},
		{offer + "; server_max_window_bits=15", true},
		{offer + "; server_no_context_takeover; server_max_window_bits=9", false},
		{offer + "; server_no_context_takeover; server_max_window_bits=15", true},
		{offer + "; server_no_context_takeover; server_max_window_bits=9, " + offer + "; server_no_context_takeover, " + offer, true},
	} {
		deflateGroup(t, fmt.Sprintf("13.%d", i+1), tt.offer, tt.agreed, opText, func(n int) string { return cut(`{"a":1,"b":[true,null]}`, n) })
	}
}

func deflateGroup(t *testing.T, name, offer string, agreed bool, op byte, content func(int) string) {
	t.Helper()
	url := echoServer(t, websocket.Options{Call: bounded(maxMessage), Compress: true})
	for i, size := range deflateSizes {
		t.Run(fmt.Sprintf("%s.%d", name, i+1), func(t *testing.T) {
			t.Parallel()
			message := frame{op: op, payload: content(size.size)}
			c := dialRaw(t, url, "Sec-WebSocket-Extensions: "+offer)
			if c.inflate != agreed {
				t.Fatalf("agreed on %q", c.answer.Header.Get("Sec-WebSocket-Extensions"))
			}
			sent := []frame{message}
			if agreed {
				sent = compressed(message, size.fragment)
			}
			go func() {
				for range deflateRounds {
					c.send(0, sent...)
				}
				c.send(0, closing(1000, ""))
			}()
			for range deflateRounds {
				if got := c.next(); got != message {
					t.Fatalf("got %v, want %v", got, message)
				}
			}
			c.expectClose(1000)
		})
	}
}

// compressed is a message as a client sends it: the first fragment is marked.
func compressed(message frame, fragment int) []frame {
	short := deflatedText(message.payload)
	if fragment == 0 {
		fragment = len(short)
	}
	frames := fragments(message.op, short, fragment)
	frames[0].rsv = 4
	return frames
}

func cut(text string, n int) string { return strings.Repeat(text, n/len(text)+1)[:n] }

// noise is the same for every run, and does not become shorter.
func noise(n int) string {
	out, state := make([]byte, n), uint64(1)
	for i := range out {
		state = state*6364136223846793005 + 1442695040888963407
		out[i] = byte(state >> 56)
	}
	return string(out)
}

// With the extension agreed on, its bit is still wrong on continuations and control frames, and the others everywhere.
func TestReservedBitsWithDeflate(t *testing.T) {
	t.Parallel()
	url := echoServer(t, websocket.Options{Call: bounded(maxMessage), Compress: true})
	for name, send := range map[string][]frame{
		"ping":         {{op: opPing, rsv: 4}},
		"continuation": {{op: opText, payload: "a", open: true}, {op: opContinuation, payload: "b", rsv: 4}},
		"rsv2":         {{op: opText, payload: "a", rsv: 2}},
		"rsv1 and 3":   {{op: opText, payload: deflatedText("a"), rsv: 5}},
		"no deflate":   {{op: opText, payload: "\xff\xff\xff\xff", rsv: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocolCase{send: send, code: 1002}.run(t, url, "Sec-WebSocket-Extensions: permessage-deflate")
		})
	}
}

// Compression is for who asks for it.
func TestNoCompressionByDefault(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, echoServer(t, echoOptions), "Sec-WebSocket-Extensions: permessage-deflate")
	if got := c.answer.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("agreed on %q", got)
	}
}
