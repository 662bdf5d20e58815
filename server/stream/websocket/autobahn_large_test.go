package websocket_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/stream/websocket"
)

var echoOptions = websocket.Options{Call: bounded(maxMessage)}

// Group 9: large messages, whole, in fragments and in small writes, and many small ones.
func TestAutobahn9Large(t *testing.T) {
	t.Parallel()
	const kilo, mega = 1 << 10, 1 << 20
	for group, op := range []byte{opText, opBinary} {
		whole := func(size int) frame { return frame{op: op, payload: strings.Repeat("BAsd7&jh", size/8)} }
		var cases []protocolCase
		add := func(area, index, pieces int, send []frame, want []frame) {
			name := fmt.Sprintf("9.%d.%d", area+group, index+1)
			cases = append(cases, protocolCase{name: name, send: send, pieces: pieces, want: want})
		}
		for i, size := range []int{64 * kilo, 256 * kilo, mega, 4 * mega, 8 * mega, 16 * mega} {
			add(1, i, 0, []frame{whole(size)}, []frame{whole(size)})
		}
		for i, size := range []int{64, 256, kilo, 4 * kilo, 16 * kilo, 64 * kilo, 256 * kilo, mega, 4 * mega} {
			add(3, i, 0, fragments(op, whole(4*mega).payload, size), []frame{whole(4 * mega)})
		}
		for i, pieces := range []int{64, 128, 256, 512, 1024, 2048} {
			add(5, i, pieces, []frame{whole(mega)}, []frame{whole(mega)})
		}
		for i, size := range []int{0, 16, 64, 256, kilo, 4 * kilo} {
			var thousand []frame
			for range 1000 {
				thousand = append(thousand, whole(size))
			}
			add(7, i, 0, thousand, thousand)
		}
		url := echoServer(t, echoOptions)
		for _, tt := range cases {
			t.Run(tt.name, func(t *testing.T) { tt.run(t, url) }) // One by one: some take 16 MB a few times.
		}
	}
}

// Group 10: a message that the client cuts into frames of one network packet each.
func TestAutobahn10AutoFragment(t *testing.T) {
	t.Parallel()
	message := strings.Repeat("*", 65536)
	runCases(t, []protocolCase{{name: "10.1.1", send: fragments(opText, message, 1300), want: []frame{text(message)}}})
}

// A message over the limit fails the connection, whether it says so at once, in fragments, or compressed.
func TestTooLargeMessages(t *testing.T) {
	t.Parallel()
	const most = 1000
	url := echoServer(t, websocket.Options{Call: bounded(most), Compress: true})
	fits, large := text(strings.Repeat("a", most)), strings.Repeat("a", most+1)
	for _, tt := range []protocolCase{
		{name: "whole", send: []frame{fits, text(large)}, want: []frame{fits}, code: 1009},
		{name: "fragments", send: fragments(opText, large, 10), code: 1009},
		{name: "announced only", send: []frame{{op: opText, payload: strings.Repeat("a", 1<<20)}}, code: 1009},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, url)
		})
	}
	t.Run("compressed", func(t *testing.T) {
		t.Parallel()
		bomb := frame{op: opText, rsv: 4, payload: deflatedText(strings.Repeat("a", 10<<20))}
		protocolCase{send: []frame{bomb}, code: 1009}.run(t, url, "Sec-WebSocket-Extensions: permessage-deflate")
	})
}

// A client must mask its frames.
func TestAFrameWithoutMask(t *testing.T) {
	t.Parallel()
	runCases(t, []protocolCase{{name: "unmasked", send: []frame{{op: opText, payload: "hello", bare: true}}, code: 1002}})
}
