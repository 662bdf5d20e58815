package rpc_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const livePath = "/postrider.v1.EventService/Subscribe"

// spoken is a way to call a procedure.
type spoken struct{ name, path, mediaType string }

// bare ways send one message as the body, framed ones put messages into envelopes.
var (
	bare = []spoken{
		{"JSON", publishPath, "application/json"},
		{"binary", publishPath, "application/proto"},
		{"an open procedure", "/postrider.v1.SessionService/CreateSession", "application/json"},
	}
	framed = []spoken{
		{"Connect stream", livePath, "application/connect+json"},
		{"binary Connect stream", livePath, "application/connect+proto"},
		{"gRPC-Web", publishPath, "application/grpc-web"},
		{"gRPC-Web stream", livePath, "application/grpc-web+json"},
		{"gRPC", publishPath, "application/grpc"},
		{"gRPC stream", livePath, "application/grpc+json"},
		{"gRPC PublishStream", "/postrider.v1.EventService/PublishStream", "application/grpc"},
		{"gRPC health", "/grpc.health.v1.Health/Check", "application/grpc"},
		{"gRPC reflection", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "application/grpc"},
	}
)

// packed is a text compressed.
func packed(text string) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return out.Bytes()
}

// damaged are ways to damage what was compressed.
func damaged() map[string][]byte {
	good := packed(`{"event":{}}`)
	checksum := bytes.Clone(good)
	checksum[len(checksum)-8] ^= 1
	length := bytes.Clone(good)
	length[len(length)-1] ^= 1
	inside := bytes.Clone(good)
	inside[12] ^= 0xff
	return map[string][]byte{
		"no gzip":                   []byte(`{"event":{}}`),
		"half a header of gzip":     good[:5],
		"truncated gzip":            good[:len(good)-10],
		"gzip without its end":      good[:len(good)-8],
		"wrong checksum of gzip":    checksum,
		"wrong length of gzip":      length,
		"damaged gzip":              inside,
		"garbage behind gzip":       append(bytes.Clone(good), "garbage"...),
		"zeros behind gzip":         append(bytes.Clone(good), make([]byte, 20)...),
		"half a second gzip behind": append(bytes.Clone(good), good[:12]...),
	}
}

// A body that cannot be read as it is sent is its client's fault: no framing, compression or envelope of any protocol is answered
// as an error of the server, or logged as one.
func TestABodyThatCannotBeReadIsTheClientsFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, way := range bare {
		for name, body := range damaged() {
			w.checkMalformed(way, name, w.overBoth(way, body, "Content-Encoding", "gzip"))
		}
	}
	for _, way := range framed {
		encoding := "Grpc-Encoding"
		if strings.Contains(way.mediaType, "connect") {
			encoding = "Connect-Content-Encoding"
		}
		for name, body := range damaged() {
			w.checkMalformed(way, name+" in a message", w.overBoth(way, enveloped(1, body), encoding, "gzip"))
		}
		for name, body := range map[string][]byte{
			"half a prefix":                   {0, 0, 0},
			"half a message":                  []byte("\x00\x00\x00\x00\x20{\"event\""),
			"a prefix alone":                  []byte("\x00\x00\x00\x00\x20"),
			"a compressed prefix alone":       []byte("\x01\x00\x00\x00\x20"),
			"a length that is impossible":     []byte("\x00\xff\xff\xff\xff{}"),
			"a compressed impossible length":  []byte("\x01\xff\xff\xff\xff{}"),
			"the flags of the end":            enveloped(2, []byte("{}")),
			"the flags of trailers":           enveloped(0x80, []byte("a: b\r\n")),
			"flags that mean nothing":         enveloped(0x54, []byte("{}")),
			"flags of all kinds":              enveloped(0xff, []byte("{}")),
			"a compressed end longer than it": append([]byte("\x01\x00\x00\x00\x80"), packed("{}")...),
		} {
			w.checkMalformed(way, name, w.overBoth(way, body, encoding, "gzip"))
		}
		w.checkMalformed(way, "compressed, and no header says how", w.overBoth(way, enveloped(1, packed("{}"))))
		w.checkMalformed(way, "an empty message, compressed, and no header says how", w.overBoth(way, enveloped(1, nil)))
	}
}

// The same goes for the chunks of HTTP/1.1, and a length that is not kept.
func TestChunksThatCannotBeReadAreTheClientsFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ways := append([]spoken{}, bare...)
	for _, way := range framed {
		if !strings.Contains(way.path, "Stream") && way.mediaType != "application/grpc" && way.mediaType != "application/grpc+json" {
			ways = append(ways, way)
		}
	}
	for _, way := range ways {
		for name, raw := range map[string]string{
			"a size that is no number":     "zz\r\n{}\r\n0\r\n\r\n",
			"a negative size":              "-1\r\n{}\r\n0\r\n\r\n",
			"a size too large for any":     "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
			"an empty size":                "\r\n{}\r\n0\r\n\r\n",
			"no line break behind a chunk": "2\r\n{}0\r\n\r\n",
			"a chunk longer than its size": "1\r\n{}\r\n0\r\n\r\n",
			"an end inside a size":         "2",
			"an end inside a chunk":        "20\r\n{\"event\"",
			"an end behind a chunk":        "2\r\n{}\r\n",
			"an end inside the last chunk": "2\r\n{}\r\n0\r\n",
			"a long extension":             "2;" + strings.Repeat("x", 10_000) + "\r\n{}\r\n0\r\n\r\n",
			"trailers that are none":       "2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
		} {
			for _, encoding := range []string{"", "Content-Encoding: gzip\r\n"} {
				got := w.overHTTP1(way, "Transfer-Encoding: chunked\r\n"+encoding, raw, true)
				w.checkMalformed(way, name+" "+encoding, []reply{got})
			}
		}
		got := w.overHTTP1(way, "Content-Length: 100\r\n", "{", true)
		w.checkMalformed(way, "an end before the length", []reply{got})
	}
}

// In HTTP/2 a body has the length that was said. It may break off, and then nobody is there for an answer.
func TestHTTP2BodiesThatBreakOffAreNoErrorsOfTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, way := range append(append([]spoken{}, bare...), framed...) {
		got := w.overHTTP2(way, []byte("{"), false, "Content-Length", "100")
		w.checkMalformed(way, "fewer bytes than were said", []reply{got})
		w.overHTTP2(way, []byte("{}"), false, "Content-Length", "1") // It is net/http that resets the call.
		w.overHTTP2(way, []byte("\x00\x00\x00\x00\x20{"), true)
	}
	w.checkNoServerFault()
}

// What comes in an address is decoded by the same rules.
func TestAMessageInTheAddressThatCannotBeReadIsTheClientsFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/postrider.v1.EventService/ListEvents?connect=v1&encoding="
	for name, query := range map[string]string{
		"no base64":                  "json&base64=1&message=%25%25",
		"half of base64":             "json&base64=1&message=e",
		"base64 with a space":        "json&base64=1&message=e30%20e30",
		"no JSON":                    "json&message=x",
		"no binary message":          "proto&base64=1&message=____",
		"no message":                 "json",
		"no encoding":                "&message={}",
		"another encoding":           "xml&message={}",
		"no gzip":                    "json&compression=gzip&message={}",
		"no gzip at all":             "json&compression=gzip&message=",
		"no gzip in base64":          "json&compression=gzip&base64=1&message=e30",
		"another version of Connect": "json&connect=v2&message={}",
		"a query that is none":       "json&message=%zz",
	} {
		w.checkAddress(name, path+query)
	}
	for name, body := range damaged() {
		w.checkAddress(name, path+"json&compression=gzip&message="+url.QueryEscape(string(body)))
	}
	w.checkNoServerFault()
}

func (w *world) checkAddress(name, path string) {
	w.t.Helper()
	got := w.do(http.MethodGet, path, adminKey, "")
	switch {
	case name == "another encoding" || name == "no encoding":
		if got.status != http.StatusUnsupportedMediaType {
			w.t.Errorf("%s is answered %d %s", name, got.status, got.body)
		}
	case name == "another version of Connect", name == "no gzip at all", name == "no message",
		name == "a query that is none":
		if got.status != http.StatusBadRequest && got.status != http.StatusOK {
			w.t.Errorf("%s is answered %d %s", name, got.status, got.body)
		}
	case got.status != http.StatusBadRequest || !strings.Contains(got.body, "MALFORMED_REQUEST"):
		w.t.Errorf("%s is answered %d %s", name, got.status, got.body)
	}
}

// reply is what came back, with its trailers.
type reply struct {
	over   string
	status int
	header http.Header
	body   []byte
}

// checkMalformed looks that a request is answered as one that cannot be read.
func (w *world) checkMalformed(way spoken, name string, replies []reply) {
	w.t.Helper()
	for _, got := range replies {
		text := string(unpacked(got.body))
		said := strings.Contains(text, "MALFORMED_REQUEST") || strings.Contains(text, "TOO_LARGE")
		switch {
		case strings.HasPrefix(way.mediaType, "application/grpc-web"):
			said = strings.Contains(text, "grpc-status: 3") || got.header.Get("Grpc-Status") == "3"
		case strings.HasPrefix(way.mediaType, "application/grpc"):
			said = got.header.Get("Grpc-Status") == "3"
		case strings.HasPrefix(way.mediaType, "application/connect+"):
			said = said && strings.Contains(text, `"invalid_argument"`)
		default:
			said = said && got.status == http.StatusBadRequest
		}
		if !said {
			w.t.Errorf("%s, %s, over %s is answered %d %v %.300s", way.name, name, got.over, got.status, got.header, text)
		}
	}
	w.checkNoServerFault()
}

// checkNoServerFault looks that nothing was logged as a fault of the server.
func (w *world) checkNoServerFault() {
	w.t.Helper()
	for line := range strings.Lines(w.logs.String()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			w.t.Fatal(line)
		}
	}
}

// overBoth sends a whole body over HTTP/1.1, where that can be, and over HTTP/2.
func (w *world) overBoth(way spoken, body []byte, header ...string) []reply {
	w.t.Helper()
	replies := []reply{w.overHTTP2(way, body, false, header...)}
	isGRPC := strings.HasPrefix(way.mediaType, "application/grpc") && !strings.HasPrefix(way.mediaType, "application/grpc-web")
	if isGRPC {
		return replies
	}
	lines := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	for i := 0; i < len(header); i += 2 {
		lines += header[i] + ": " + header[i+1] + "\r\n"
	}
	return append(replies, w.overHTTP1(way, lines, string(body), false))
}

// overHTTP1 sends what may be no body at all. Where it ends early, nothing more comes.
func (w *world) overHTTP1(way spoken, lines, body string, early bool) reply {
	w.t.Helper()
	conn, err := new(net.Dialer).DialContext(soon(w.t), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n%s\r\n%s",
		way.path, adminKey, way.mediaType, lines, body)
	if early {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.t.Fatalf("%s with %q: %v", way.name, body, err)
	}
	text, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return reply{"HTTP/1.1", response.StatusCode, response.Header, text}
}

// overHTTP2 sends a body in one frame, and ends it or resets the call.
func (w *world) overHTTP2(way spoken, body []byte, reset bool, header ...string) reply {
	w.t.Helper()
	conn, err := new(net.Dialer).DialContext(soon(w.t), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	fields := append([]string{
		":method", "POST", ":scheme", "http", ":authority", "x", ":path", way.path,
		"content-type", way.mediaType, "authorization", "Bearer " + adminKey,
	}, header...)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: strings.ToLower(fields[i]), Value: fields[i+1]})
	}
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = framer.WriteData(1, !reset, body)
	if reset {
		_ = framer.WriteRSTStream(1, http2.ErrCodeCancel)
		return reply{}
	}
	return readReply(w.t, framer)
}

// readReply reads the answer to the first call of a connection to its end.
func readReply(t *testing.T, framer *http2.Framer) reply {
	t.Helper()
	got := reply{over: "HTTP/2", header: http.Header{}}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ended: %v", err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range frame.Fields {
				got.header.Add(field.Name, field.Value)
			}
			_, _ = fmt.Sscan(got.header.Get(":status"), &got.status)
		case *http2.DataFrame:
			got.body = append(got.body, frame.Data()...)
		case *http2.RSTStreamFrame:
			return got
		}
		if flags := frame.Header().Flags; frame.Header().StreamID == 1 && flags.Has(http2.FlagHeadersEndStream) {
			return got
		}
	}
}
