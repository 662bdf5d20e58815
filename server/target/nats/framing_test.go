package nats_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

const info = `INFO {"server_id":"x","version":"2.11.0","max_payload":1048576,"headers":true}` + "\r\n"

// A server that sends frames which no stream's acknowledgement has loses its connection; the client library would allocate what they
// announce, or panic.
func TestHostileFramesEndTheConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, says, frames string }{
		{"a message larger than memory", "malformed line", "MSG a 1 9223372036854775807\r\nx"},
		{"a message of 100 GB", "malformed line", "MSG a 1 100000000000\r\nx"},
		{"a message of 100 MB", "more than 16384 bytes", "MSG a 1 100000000\r\nx"},
		{"a message with headers", "more than 16384 bytes", "HMSG a 1 b 10 999999999\r\nx"},
		{"a size that overflows to a small one", "malformed line", "MSG a 1 18446744073709551621\r\nhello\r\n"},
		{"a size behind a carriage return", "malformed", "MSG a 1\r 99\n" + strings.Repeat("x", 9) + "\nMSG a 1 9223372036854775807\r\nx"},
		{"a message that ends early", "does not end where it says", "MSG a 1 2\r\nok\n\nMSG a 1 9223372036854775807\r\nx"},
		{"a message that ends late", "does not end where it says", "MSG a 1 2\r\nokMSG\nMSG a 1 9223372036854775807\r\nx"},
		{"a line of which the library makes two", "malformed line", "INFO \nMSG a 1 5\nMSG a 1 9223372036854775807\r\nx"},
		{"an error of which it makes two", "malformed line", "-ERR \t\nMSG a 1 5\nMSG a 1 9223372036854775807\r\nx"},
		{"a line in lower case", "malformed line", "msg a 1 5\r\nhello\r\n"},
		{"a flood of pings", "far more than it is sent", strings.Repeat("PING\r\n", 300_000)},
		{"a line without an end", "a line of more than 16384 bytes", "-ERR '" + strings.Repeat("x", 70<<10)},
		{"lines without number", "far more than it is sent", strings.Repeat("+OK\r\n", 300_000)},
	} {
		for _, at := range []int{len(c.frames), 1, 10} {
			t.Run(fmt.Sprintf("%s, cut at %d", c.name, at), func(t *testing.T) {
				t.Parallel()
				o := send(t, newTarget(t, 5*time.Second, map[string]any{
					"urls": []string{"nats://" + hostile(t, info, c.frames[:at], c.frames[at:])}, "subject": "a",
				}))
				if o.Kind != gateway.OutcomeEndpointFailure || !strings.Contains(o.Error, c.says) {
					t.Errorf("%v: %s", o.Kind, o.Error)
				}
			})
		}
	}
}

func TestHostileBeginningsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, says, first string }{
		{"no line", "a line of more than 16384 bytes", "INFO {" + strings.Repeat("x", 70<<10)},
		{"another protocol", "malformed line", "HTTP/1.1 400 Bad Request\r\n\r\n"},
		{"a message", "malformed line", "MSG a 1 9223372036854775807\r\nx"},
		{"more than INFO before TLS", "more than INFO", `INFO {"tls_required":true}` + "\r\nPING\r\n"},
		{"a TLS handshake that is none", "TLS", `INFO {"tls_required":true}` + "\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := send(t, newTarget(t, 5*time.Second, map[string]any{
				"urls": []string{"nats://" + hostile(t, c.first)}, "subject": "a",
			}))
			if o.Kind != gateway.OutcomeEndpointFailure || !strings.Contains(o.Error, c.says) {
				t.Errorf("%v: %s", o.Kind, o.Error)
			}
		})
	}
}

// What a server sends that is none of these passes, wherever it is cut.
func TestUsualFramesPass(t *testing.T) {
	t.Parallel()
	frames := "PING\r\nMSG a 1 5\r\nhello\r\n+OK\r\nHMSG a 1 12 14\r\nNATS/1.0\r\n\r\nok\r\nMSG b 1 0\r\n\r\n" + info + "-ERR 'Unknown Protocol Operation'\r\n"
	for at := range len(frames) {
		o := send(t, newTarget(t, 5*time.Second, map[string]any{
			"urls": []string{"nats://" + hostile(t, info, frames[:at], frames[at:])}, "subject": "a",
		}))
		if !strings.Contains(o.Error, "Unknown Protocol Operation") {
			t.Fatalf("cut at %d: %v: %s", at, o.Kind, o.Error)
		}
	}
}

// hostile is a server that sends its first text to each client, the others when something is published, and hangs up at the next line.
func hostile(t *testing.T, first string, others ...string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go attack(conn, first, others)
		}
	}()
	return listener.Addr().String()
}

func attack(conn net.Conn, first string, others []string) {
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte(first))
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadString('\n')
		switch {
		case err != nil || len(others) == 0:
			return
		case strings.HasPrefix(line, "PING"):
			_, _ = conn.Write([]byte("PONG\r\n"))
		case strings.HasPrefix(line, "HPUB"):
			for _, part := range others {
				_, _ = conn.Write([]byte(part))
			}
			_, _ = lines.ReadByte()
		}
	}
}
