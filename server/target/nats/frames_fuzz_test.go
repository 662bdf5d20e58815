package nats_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"reflect"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"

	"github.com/postrider-dev/postrider/server/target/nats"
)

const (
	// fuzzedBytes bounds an input, and fuzzedMessages the messages in it.
	fuzzedBytes    = 16 << 10
	fuzzedMessages = fuzzedBytes / len("MSG a 1 0\r\n\r\n")
	// What a client may allocate of its own, the engine of the fuzz test included, and for each byte that passes.
	clientBytes, bytesPerByte = 4 << 20, 256
)

// FuzzFrames hands the client library what passes the check, in two parts. The library must find the messages in it that are there, must not
// call any of it malformed, and must not allocate much more than it is sent.
func FuzzFrames(f *testing.F) {
	for _, frames := range fuzzSeeds {
		for _, cut := range []int{0, 1, len(frames) / 2, len(frames) - 1} {
			f.Add([]byte(frames), uint16(cut))
		}
	}
	f.Fuzz(func(t *testing.T, frames []byte, cut uint16) {
		if len(frames) > fuzzedBytes {
			return
		}
		at := min(int(cut), len(frames))
		parts := [][]byte{frames[:at], frames[at:]}
		passed := passing(parts)
		before := allocated()
		got, err := understood(t, parts)
		if most := uint64(clientBytes + bytesPerByte*len(passed)); allocated()-before > most {
			t.Errorf("%d bytes made the library allocate %d", len(passed), allocated()-before)
		}
		compare(t, got, err, passed)
	})
}

var fuzzSeeds = []string{
	"PING\r\nPONG\r\n+OK\r\n",
	"MSG a 1 5\r\nhello\r\nMSG a.b 1 _INBOX.x.y 0\r\n\r\n",
	"MSG a 1 7\r\nMSG a 1\r\nMSG a 01 007\r\n\r\n\r\n\r\n\r\r\n",
	"HMSG a 1 12 14\r\nNATS/1.0\r\n\r\nok\r\n",
	"HMSG a 1 r 26 26\r\nNATS/1.0 503\r\nA: b\r\nA:\r\n\r\n\r\n",
	"HMSG a 1 0 2\r\nok\r\nHMSG a 1 2 2\r\nok\r\nMSG a 1 2 2\r\nok\r\n",
	"HMSG a 1 3 2\r\nok\r\n",
	"HMSG a 1 2\r\nok\r\n",
	"MSG a 1 r 2 2\r\nok\r\n",
	"MSG " + strings.Repeat("s", 3000) + " 1 " + strings.Repeat("r", 3000) + " 2\r\nok\r\n",
	"MSG a 1 6000\r\n" + strings.Repeat("x", 6000) + "\r\nMSG a 1 2\r\nok\r\n",
	"MSG a 2 2\r\nok\r\nMSG a 1 2\r\nok\r\n",
	info + "MSG a 1 2\r\nok\r\n",
	`INFO {"connect_urls":["127.0.0.1:1"],"ldm":true,"max_payload":-1,"headers":false,"nonce":"x"}` + "\r\nMSG a 1 2\r\nok\r\n",
	"INFO {\r\nMSG a 1 2\r\nok\r\n",
	"-ERR 'Permissions Violation for Publish to \"a\"'\r\nMSG a 1 2\r\nok\r\n",
	"-ERR 'Authorization Violation'\r\nMSG a 1 2\r\nok\r\n",
	"-ERR 'Stale Connection'\r\n-ERR ''\r\n",
	"MSG a 1 9223372036854775807\r\nx",
	"MSG a 1\r 99\n" + strings.Repeat("x", 9) + "\nMSG a 1 9\r\nx",
	"-ERR \t\nMSG a 1 5\nMSG a 1 9\r\nx",
}

// message is what the library and the test must see alike.
type message struct {
	subject, reply, data string
	header               natsgo.Header
}

// readBytes is the size of one read of the library.
const readBytes = 32 << 10

// scripted is a connection whose reads return one part each.
type scripted struct {
	net.Conn
	parts [][]byte
}

func (s *scripted) Read(to []byte) (int, error) {
	if len(s.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(to, s.parts[0])
	s.parts = s.parts[1:]
	return n, nil
}

// passing returns what passes the check. A part with a fault does not pass.
func passing(parts [][]byte) (passed []byte) {
	conn := nats.Checked(&scripted{parts: parts})
	buffer := make([]byte, readBytes)
	for {
		n, err := conn.Read(buffer)
		passed = append(passed, buffer[:n]...)
		if err != nil {
			return passed
		}
	}
}

// understood returns the messages that the library finds, and the error with which it ends the connection.
func understood(t *testing.T, parts [][]byte) (found []message, ended error) {
	near, far := net.Pipe()
	go converse(far, parts)
	closed := make(chan struct{})
	conn, err := natsgo.Connect("nats://127.0.0.1:4222", natsgo.SetCustomDialer(inMemory{nats.Checked(near)}),
		natsgo.NoReconnect(), natsgo.SkipHostLookup(), natsgo.IgnoreDiscoveredServers(),
		natsgo.ErrorHandler(func(*natsgo.Conn, *natsgo.Subscription, error) {}),
		natsgo.ClosedHandler(func(*natsgo.Conn) { close(closed) }))
	check(t, err)
	received := make(chan *natsgo.Msg, fuzzedMessages)
	_, err = conn.ChanSubscribe(">", received)
	check(t, err)
	check(t, conn.Flush())
	<-closed
	for range len(received) {
		m := <-received
		found = append(found, message{m.Subject, m.Reply, string(m.Data), m.Header})
	}
	return found, conn.LastError()
}

type inMemory struct{ conn net.Conn }

func (d inMemory) Dial(_, _ string) (net.Conn, error) { return d.conn, nil }

// converse is a server that sends the parts once the client has subscribed, and hangs up.
func converse(conn net.Conn, parts [][]byte) {
	_, _ = conn.Write([]byte(info))
	pings := 0
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if lines.Text() != "PING" {
			continue
		}
		_, _ = conn.Write([]byte("PONG\r\n"))
		if pings++; pings == 2 {
			go sendParts(conn, parts)
		}
	}
}

func sendParts(conn net.Conn, parts [][]byte) {
	defer func() { _ = conn.Close() }()
	for _, part := range parts {
		if _, err := conn.Write(part); err != nil {
			return
		}
	}
}

// compare reports a difference between the messages that the library has found and those that passed. After an error of the server the
// library may find no more of them.
func compare(t *testing.T, found []message, ended error, passed []byte) {
	want, least := messagesIn(passed)
	if len(found) < least || len(found) > len(want) || len(found) > 0 && !reflect.DeepEqual(found, want[:len(found)]) {
		t.Errorf("the library found %+v, at least %d expected of %+v (%v)", found, least, want, ended)
	}
	// The beginning of a line passes unchecked: the library acts only at its end.
	refused := ended != nil && (strings.Contains(ended.Error(), "Parse Error") || strings.Contains(ended.Error(), "Bad or Missing"))
	if refused && bytes.HasSuffix(passed, []byte("\r\n")) {
		t.Errorf("the library refuses what passes: %v", ended)
	}
}

// messagesIn returns the messages to the one subscription, and the number of those before the first error.
func messagesIn(passed []byte) (messages []message, least int) {
	failed := false
	for {
		line, rest, found := bytes.Cut(passed, []byte("\r\n"))
		if !found {
			return messages, least
		}
		passed = rest
		fields := strings.Fields(string(line))
		switch {
		case len(fields) == 0:
			continue
		case fields[0] == "-ERR":
			failed = true
		case strings.HasSuffix(fields[0], "MSG"):
			size, _ := strconv.Atoi(fields[len(fields)-1])
			if len(rest) <= size {
				return messages, least
			}
			passed = rest[min(size+2, len(rest)):]
			if sid, _ := strconv.Atoi(fields[2]); sid != 1 {
				continue
			}
			messages = append(messages, messageOf(fields, rest[:size]))
			if !failed {
				least = len(messages)
			}
		}
	}
}

// messageOf reads MSG subject sid [reply] size, or HMSG subject sid [reply] header size.
func messageOf(fields []string, payload []byte) message {
	m := message{subject: fields[1]}
	others, header := fields[3:len(fields)-1], 0
	if fields[0] == "HMSG" {
		header, _ = strconv.Atoi(others[len(others)-1])
		others = others[:len(others)-1]
	}
	if len(others) > 0 {
		m.reply = others[0]
	}
	if header > 0 {
		m.header, _ = natsgo.DecodeHeadersMsg(payload[:header])
	}
	m.data = string(payload[header:])
	return m
}

// allocated is what the process has allocated so far, in bytes.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
