package rpc_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/postrider-dev/postrider/server"
)

// besides are the paths that are mounted beside the services of the contract, and how each may be called.
var besides = []mountedPath{
	{path: "/grpc.health.v1.Health/Check"},
	{path: "/grpc.health.v1.Health/Watch", streams: true},
	{path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", streams: true},
	{path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", streams: true},
	{path: "/v1/events/stream"},
	{path: "/v1/events/socket"},
	{path: "/v1/schemas/shop.v1.CustomerRegistered/1"},
	{path: "/healthz"},
	{path: "/readyz"},
	{path: "/"},
	{path: "/postrider.v1.EventService/Unknown"},
	{path: "/nothing.Service/Nothing"},
}

// mountedPath is a path that takes requests.
type mountedPath struct {
	path string
	// streams paths are those of procedures whose messages come in envelopes over Connect, too.
	streams bool
}

// mountedPaths are all there are.
func mountedPaths() []mountedPath {
	paths := slices.Clone(besides)
	protoregistry.GlobalFiles.RangeFilesByPackage("postrider.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				paths = append(paths, mountedPath{
					path:    fmt.Sprintf("/%s/%s", service.FullName(), method.Name()),
					streams: method.IsStreamingClient() || method.IsStreamingServer(),
				})
			}
		}
		return true
	})
	return paths
}

// What is mounted has to be in the table, which shows whether it is bounded.
func TestEveryMountedPathIsInTheTableOfBounds(t *testing.T) {
	t.Parallel()
	known := []string{
		"service.path", "postriderv1connect.EventServiceSubscribeProcedure", "PublishStreamPath", // The contract.
		`"GET " + sse.Path`, `"GET " + websocket.Path`, `"GET " + wire.SchemaPathPattern`,
		"path", // Health and reflection.
		`"GET /healthz"`, `"GET /readyz"`, `"/"`,
	}
	for _, file := range []string{"api.go", "../server.go", "../httpserver/server.go"} {
		for _, pattern := range mountedIn(t, file) {
			if !slices.Contains(known, pattern) {
				t.Errorf("%s mounts %s: add its path to the table of this file", file, pattern)
			}
		}
	}
}

// mountedIn lists the patterns that a file gives to a mux, as they are written.
func mountedIn(t *testing.T, file string) (patterns []string) {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if ok && (method.Sel.Name == "Handle" || method.Sel.Name == "HandleFunc") {
			patterns = append(patterns, written(call.Args[0]))
		}
		return true
	})
	return patterns
}

func written(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.BasicLit:
		return e.Value
	case *ast.SelectorExpr:
		return written(e.X) + "." + e.Sel.Name
	case *ast.BinaryExpr:
		return written(e.X) + " " + e.Op.String() + " " + written(e.Y)
	default:
		return fmt.Sprintf("%T", expression)
	}
}

// bombBytes is the size of what the bombs hold. None may be decompressed further than a bound.
const bombBytes = 64 << 20

// bomb is much that compresses to little.
var bomb = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	part := bytes.Repeat([]byte(" "), 1<<20)
	for range bombBytes / len(part) {
		_, _ = z.Write(part)
	}
	_ = z.Close()
	return packed.Bytes()
})

// enveloped puts the prefix of a message before a payload.
func enveloped(flags byte, payload []byte) []byte {
	prefix := binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(payload)))
	return append(prefix, payload...)
}

// attack is a body, and how it is sent.
type attack struct {
	name   string
	body   func() []byte
	header []string
}

func attacks(path mountedPath) []attack {
	large := func() []byte { return bytes.Repeat([]byte(" "), 1<<20) }
	inEnvelope := func(flags byte, payload func() []byte) func() []byte {
		return func() []byte { return enveloped(flags, payload()) }
	}
	all := []attack{
		{"gRPC bomb", inEnvelope(1, bomb), []string{"Content-Type", "application/grpc", "Grpc-Encoding", "gzip"}},
		{"gRPC-Web bomb", inEnvelope(1, bomb), []string{"Content-Type", "application/grpc-web", "Grpc-Encoding", "gzip"}},
		{"gRPC-Web JSON bomb", inEnvelope(1, bomb), []string{"Content-Type", "application/grpc-web+json", "Grpc-Encoding", "gzip"}},
		{"gRPC oversized", inEnvelope(0, large), []string{"Content-Type", "application/grpc"}},
		{"gRPC announced", func() []byte { return []byte("\x00\xff\xff\xff\xffx") }, []string{"Content-Type", "application/grpc"}},
		{"gRPC bomb without an encoding", inEnvelope(1, bomb), []string{"Content-Type", "application/grpc"}},
	}
	if path.streams {
		return append(
			all,
			attack{"bomb", inEnvelope(1, bomb), []string{"Content-Type", "application/connect+json", "Connect-Content-Encoding", "gzip"}},
			attack{"oversized", inEnvelope(0, large), []string{"Content-Type", "application/connect+proto"}},
		)
	}
	return append(
		all,
		attack{"bomb", bomb, []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}},
		attack{"binary bomb", bomb, []string{"Content-Type", "application/proto", "Content-Encoding", "gzip"}},
		attack{"oversized", large, []string{"Content-Type", "application/json"}},
		attack{"oversized in chunks", large, []string{"Content-Type", "application/proto", "Transfer-Encoding", "chunked"}},
	)
}

// No request makes the server hold more than a few times what a request may have, whatever its path and its protocol, with
// a key or without one. It is not parallel: it looks at what the process allocates.
func TestNoMountedPathReadsMoreThanItMay(t *testing.T) {
	const requestBytes = 64 << 10
	w := newWorld(t, func(c *server.Config) { c.MaxRequestBytes = requestBytes })
	bomb()
	for _, key := range []string{"", adminKey} {
		for _, path := range mountedPaths() {
			for _, attack := range attacks(path) {
				name := fmt.Sprintf("%s with key %t: %s", path.path, key != "", attack.name)
				w.attack(name, path.path, key, attack)
			}
		}
	}
}

// attack sends a body and looks at what it costs and what is said to it.
func (w *world) attack(name, path, key string, a attack) {
	w.t.Helper()
	body := a.body()
	request, err := http.NewRequestWithContext(soon(w.t), http.MethodPost, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(a.header); i += 2 {
		if a.header[i] == "Transfer-Encoding" {
			request.ContentLength = -1
			continue
		}
		request.Header.Set(a.header[i], a.header[i+1])
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	transport := h2c()
	defer transport.CloseIdleConnections()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	response, err := transport.RoundTrip(request)
	if err == nil {
		var text []byte
		text, _ = io.ReadAll(response.Body)
		_ = response.Body.Close()
		w.checkRefused(name, response, unpacked(text))
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		w.t.Errorf("%s: %d KiB were allocated", name, took>>10)
	}
}

// unpacked is an answer in an envelope whose message is compressed, decompressed; any other as it is.
func unpacked(text []byte) []byte {
	if len(text) < 5 || text[0]&1 == 0 || text[0] > 3 {
		return text
	}
	z, err := gzip.NewReader(bytes.NewReader(text[5:]))
	if err != nil {
		return text
	}
	plain, _ := io.ReadAll(z)
	return plain
}

// checkRefused looks that nothing was taken for a good request, and that what is too large is said to be.
func (w *world) checkRefused(name string, response *http.Response, text []byte) {
	w.t.Helper()
	status := response.Trailer.Get("Grpc-Status") + response.Header.Get("Grpc-Status")
	switch {
	case strings.HasSuffix(name, "without an encoding"), response.StatusCode == http.StatusNotFound,
		response.StatusCode == http.StatusMethodNotAllowed, response.StatusCode == http.StatusUnauthorized, status == "16":
	case status == "3", status == "8", status == "12": // gRPC: invalid argument, resource exhausted, unimplemented.
	case status == "" && bytes.Contains(text, []byte("TOO_LARGE")):
	case bytes.Contains(text, []byte("grpc-status: 3")), bytes.Contains(text, []byte("grpc-status: 16")),
		bytes.Contains(text, []byte("unauthenticated")):
	default:
		w.t.Errorf("%s is answered %d, status %q: %.200s", name, response.StatusCode, status, text)
	}
}

// A body of a known caller has 20 s to begin, and one of an unknown caller 10 s, whatever the path.
func TestNoMountedPathWaitsForABodyThatDrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for _, path := range mountedPaths() {
		for _, key := range []string{"", adminKey} {
			all.Go(func() { // Not subtests, which run a few at a time.
				if took, ended := w.drip(path, key); !ended {
					t.Errorf("%s with key %t still waits for a body after %v", path.path, key != "", took)
				}
			})
		}
	}
	all.Wait()
}

// drip sends a body byte by byte until the server gives it up. It returns how long that took, and whether it came to that.
func (w *world) drip(path mountedPath, key string) (took time.Duration, ended bool) {
	began := time.Now()
	conn, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		return 0, false
	}
	defer func() { _ = conn.Close() }()
	mediaType := "application/json"
	if path.streams {
		mediaType = "application/connect+json"
	}
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000\r\n", path.path, mediaType)
	if key != "" {
		_, _ = fmt.Fprintf(conn, "Authorization: Bearer %s\r\n", key)
	}
	_, _ = fmt.Fprint(conn, "\r\n")
	drops := time.NewTicker(500 * time.Millisecond)
	defer drops.Stop()
	over := make(chan struct{})
	defer func() { <-over }()
	go func() {
		defer close(over)
		for range drops.C {
			if _, err := conn.Write([]byte{0}); err != nil {
				return
			}
		}
	}()
	_ = conn.SetReadDeadline(time.Now().Add(90 * time.Second))
	_, err = io.Copy(io.Discard, conn)
	_ = conn.Close()
	return time.Since(began), !errors.Is(err, os.ErrDeadlineExceeded)
}
