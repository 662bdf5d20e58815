package websocket_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Group 1: framing, payloads at the edges of the three lengths, as text and as binary.
func TestAutobahn1Framing(t *testing.T) {
	t.Parallel()
	var cases []protocolCase
	for group, op := range []byte{opText, opBinary} {
		octet := []string{"*", "\xfe"}[group]
		for i, size := range []int{0, 125, 126, 127, 128, 65535, 65536, 65536} {
			tt := protocolCase{name: fmt.Sprintf("1.%d.%d", group+1, i+1), send: []frame{{op: op, payload: strings.Repeat(octet, size)}}}
			if i == 7 {
				tt.pieces = 997
			}
			tt.want = tt.send
			cases = append(cases, tt)
		}
	}
	runCases(t, cases)
}

// Group 2: pings and pongs.
func TestAutobahn2PingPong(t *testing.T) {
	t.Parallel()
	const odd = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
	longest := strings.Repeat("\xfe", 125)
	var tenPings, tenPongs []frame
	for i := range 10 {
		tenPings = append(tenPings, ping(fmt.Sprintf("payload-%d", i)))
		tenPongs = append(tenPongs, pong(fmt.Sprintf("payload-%d", i)))
	}
	runCases(t, []protocolCase{
		{name: "2.1", send: []frame{ping("")}, want: []frame{pong("")}},
		{name: "2.2", send: []frame{ping("Hello, world!")}, want: []frame{pong("Hello, world!")}},
		{name: "2.3", send: []frame{ping(odd)}, want: []frame{pong(odd)}},
		{name: "2.4", send: []frame{ping(longest)}, want: []frame{pong(longest)}},
		{name: "2.5", send: []frame{ping(longest + "\xfe")}, code: 1002},
		{name: "2.6", send: []frame{ping(longest)}, pieces: 1, want: []frame{pong(longest)}},
		{name: "2.7", send: []frame{pong("")}},
		{name: "2.8", send: []frame{pong("unsolicited pong payload")}},
		{name: "2.9", send: []frame{pong("unsolicited pong payload"), ping("ping payload")}, want: []frame{pong("ping payload")}},
		{name: "2.10", send: tenPings, want: tenPongs},
		{name: "2.11", send: tenPings, pieces: 1, want: tenPongs},
	})
}

// Group 3: reserved bits that no extension has given a meaning.
func TestAutobahn3ReservedBits(t *testing.T) {
	t.Parallel()
	hello := text("Hello, world!")
	with := func(f frame, rsv byte) frame {
		f.rsv = rsv
		return f
	}
	runCases(t, []protocolCase{
		{name: "3.1", send: []frame{with(hello, 1)}, code: 1002},
		{name: "3.2", send: []frame{hello, with(hello, 2), ping("")}, want: []frame{hello}, code: 1002},
		{name: "3.3", send: []frame{hello, with(hello, 3), ping("")}, pieces: 19, want: []frame{hello}, code: 1002},
		{name: "3.4", send: []frame{hello, with(hello, 4), ping("")}, pieces: 1, want: []frame{hello}, code: 1002},
		{name: "3.5", send: []frame{with(data("\x00\xff\xfe\xfd\xfc\xfb\x00\xff"), 5)}, code: 1002},
		{name: "3.6", send: []frame{with(ping("Hello, world!"), 6)}, code: 1002},
		{name: "3.7", send: []frame{with(closing(1000, ""), 7)}, code: 1002},
	})
}

// Group 4: opcodes that mean nothing, for data (3 to 7) and for control (11 to 15).
func TestAutobahn4Opcodes(t *testing.T) {
	t.Parallel()
	var cases []protocolCase
	hello := text("Hello, world!")
	for group, first := range []byte{3, 11} {
		for i := range byte(5) {
			unknown := frame{op: first + i}
			if i != 0 && i != 2 {
				unknown.payload = "reserved opcode payload"
			}
			tt := protocolCase{name: fmt.Sprintf("4.%d.%d", group+1, i+1), send: []frame{unknown}, code: 1002}
			if i >= 2 {
				tt.send, tt.want = []frame{hello, unknown, ping("")}, []frame{hello}
			}
			if i == 4 {
				tt.pieces = 1
			}
			cases = append(cases, tt)
		}
	}
	runCases(t, cases)
}

// Group 5: fragments, and control frames between them.
func TestAutobahn5Fragmentation(t *testing.T) {
	t.Parallel()
	open := func(op byte, payload string) frame { return frame{op: op, payload: payload, open: true} }
	last := func(payload string) frame { return frame{op: opContinuation, payload: payload} }
	two := []frame{open(opText, "fragment1"), last("fragment2")}
	between := []frame{open(opText, "fragment1"), ping("ping payload"), last("fragment2")}
	both := text("fragment1fragment2")
	hello := text("Hello, world!")
	orphan := frame{op: opContinuation, payload: "non-continuation payload"}
	orphanOpen := open(opContinuation, "non-continuation payload")
	five := []frame{
		open(opText, "fragment1"), open(opContinuation, "fragment2"), ping("pongme 1!"), open(opContinuation, "fragment3"),
		ping("pongme 2!"), open(opContinuation, "fragment4"), last("fragment5"),
	}
	fiveBack := []frame{pong("pongme 1!"), pong("pongme 2!"), text("fragment1fragment2fragment3fragment4fragment5")}
	again := func(f frame) []frame {
		round := []frame{f, open(opText, "fragment1"), last("fragment2")}
		return slices.Concat(round, round)
	}
	runCases(t, []protocolCase{
		{name: "5.1", send: []frame{open(opPing, "fragment1"), last("fragment2")}, code: 1002},
		{name: "5.2", send: []frame{open(opPong, "fragment1"), last("fragment2")}, code: 1002},
		{name: "5.3", send: two, want: []frame{both}},
		{name: "5.4", send: two, pieces: 15, want: []frame{both}},
		{name: "5.5", send: two, pieces: 1, want: []frame{both}},
		{name: "5.6", send: between, want: []frame{pong("ping payload"), both}},
		{name: "5.7", send: between, pieces: 15, want: []frame{pong("ping payload"), both}},
		{name: "5.8", send: between, pieces: 1, want: []frame{pong("ping payload"), both}},
		{name: "5.9", send: []frame{orphan, hello}, code: 1002},
		{name: "5.10", send: []frame{orphan, hello}, pieces: 30, code: 1002},
		{name: "5.11", send: []frame{orphan, hello}, pieces: 1, code: 1002},
		{name: "5.12", send: []frame{orphanOpen, hello}, code: 1002},
		{name: "5.13", send: []frame{orphanOpen, hello}, pieces: 30, code: 1002},
		{name: "5.14", send: []frame{orphanOpen, hello}, pieces: 1, code: 1002},
		{name: "5.15", send: slices.Concat(two, []frame{open(opContinuation, "fragment3"), text("fragment4")}), want: []frame{both}, code: 1002},
		{name: "5.16", send: again(orphanOpen), code: 1002},
		{name: "5.17", send: again(orphan), code: 1002},
		{name: "5.18", send: []frame{open(opText, "fragment1"), text("fragment2")}, code: 1002},
		{name: "5.19", send: five, want: fiveBack},
		{name: "5.20", send: five, pieces: 1, want: fiveBack},
	})
}

// Group 7: closes. What comes after one is not answered.
func TestAutobahn7Close(t *testing.T) {
	t.Parallel()
	hello := text("Hello World!")
	large := text(strings.Repeat("BAsd7&jh23", 26<<10))
	longReason := strings.Repeat("*", 123)
	cases := []protocolCase{
		{name: "7.1.1", send: []frame{hello, closing(1000, "")}, want: []frame{hello}, code: 1000},
		{name: "7.1.2", send: []frame{closing(1000, ""), closing(1000, "")}, code: 1000},
		{name: "7.1.3", send: []frame{closing(1000, ""), ping("")}, code: 1000},
		{name: "7.1.4", send: []frame{closing(1000, ""), hello}, code: 1000},
		{name: "7.1.5", send: []frame{
			{op: opText, payload: "fragment1", open: true}, closing(1000, ""), {op: opContinuation, payload: "fragment2"},
		}, code: 1000},
		{name: "7.1.6", send: []frame{large, hello, closing(1000, ""), ping("")}, want: []frame{large, hello}, code: 1000},
		{name: "7.3.2", send: []frame{{op: opClose, payload: "a"}}, code: 1002},
		{name: "7.3.3", send: []frame{closing(1000, "")}, code: 1000},
		{name: "7.3.4", send: []frame{closing(1000, "Hello World!")}, code: 1000},
		{name: "7.3.5", send: []frame{closing(1000, longReason)}, code: 1000},
		{name: "7.3.6", send: []frame{closing(1000, longReason+"*")}, code: 1002},
		{name: "7.5.1", send: []frame{closing(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited")}, code: 1007},
	}
	for i, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		cases = append(cases, protocolCase{name: fmt.Sprintf("7.7.%d", i+1), send: []frame{closing(code, "")}, code: code})
	}
	for i, code := range []int{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999} {
		cases = append(cases, protocolCase{name: fmt.Sprintf("7.9.%d", i+1), send: []frame{closing(code, "")}, code: 1002})
	}
	for i, code := range []int{5000, 65535} {
		cases = append(cases, protocolCase{name: fmt.Sprintf("7.13.%d", i+1), send: []frame{closing(code, "")}, code: 1002})
	}
	runCases(t, cases)
}

// 7.3.1 is a close without a code, which is echoed as such.
func TestAutobahn7EmptyClose(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, echoServer(t, echoOptions))
	c.send(0, frame{op: opClose})
	c.expectClose(0)
}
