package contract_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/contract"
)

const (
	adminKey = "prk_the-admin-of-these-tests"
	service  = "postrider.v1.EventService."
)

// world is a whole server with an edge, which runs a function of the test for each request that it gets.
type world struct {
	t     *testing.T
	url   string
	logs  *safeBuffer
	calls *contract.Contract
	run   chan func(*http.Request)
}

type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newWorld(t *testing.T, options ...server.Option) *world {
	t.Helper()
	w := &world{t: t, logs: &safeBuffer{}, run: make(chan func(*http.Request), 1)}
	config := server.DefaultConfig()
	config.Listen, config.Data, config.AdminKey = "127.0.0.1:0", t.TempDir(), adminKey
	config.Schemas = "../../gen/descriptors/shop.v1.binpb"
	config.MaxRequestBytes = maxRequest
	instance, err := server.New(t.Context(), config, w.logs, append(options, server.WithEdge(w.edge))...)
	if err != nil {
		t.Fatal(err)
	}
	w.url = instance.URL()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- instance.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, instance.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Log(w.logs.String())
		}
	})
	return w
}

// maxRequest is the limit of requests.
const maxRequest = 1 << 20

func (w *world) edge(calls *contract.Contract, mux *http.ServeMux) {
	w.calls = calls
	mux.HandleFunc("POST /edge", func(_ http.ResponseWriter, r *http.Request) { (<-w.run)(r) })
}

// visit sends the edge a request, for which it does something.
func (w *world) visit(do func(*http.Request), header ...string) {
	w.t.Helper()
	w.run <- do
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/edge", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
}

// call calls a unary method for a client that sends the edge these headers.
func (w *world) call(method string, request proto.Message, header ...string) (response *contract.Response, err error) {
	w.t.Helper()
	w.visit(func(r *http.Request) {
		response, err = w.calls.Call(r.Context(), contract.CallerOf(r, "test"), w.method(method), request)
	}, header...)
	return response, err
}

func (w *world) method(name string) *contract.Method {
	w.t.Helper()
	method := w.calls.Method(protoName(name))
	if method == nil {
		w.t.Fatalf("there is no %s", name)
	}
	return method
}

// outcome is what has become of a call, as its caller sees it.
type outcome struct {
	code, message string
	details       []detail
}

type detail struct{ kind, value string }

func outcomeOf(err error) outcome {
	var refused *connect.Error
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return outcome{code: "ok"}
	case !errors.As(err, &refused):
		return outcome{code: "not a connect error", message: err.Error()}
	}
	o := outcome{code: refused.Code().String(), message: refused.Message()}
	for _, one := range refused.Details() {
		o.details = append(o.details, detail{one.Type(), string(one.Bytes())})
	}
	return o
}

// overHTTP makes the same call over the port.
func (w *world) overHTTP(method *contract.Method, request proto.Message, header ...string) outcome {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	encoded, err := proto.Marshal(request)
	if err != nil {
		w.t.Fatal(err)
	}
	client := connect.NewClient[[]byte, []byte](over2, w.url+method.Procedure(), connect.WithCodec(raw{}))
	if method.IsStreamingServer() {
		stream := client.CallBidiStream(ctx)
		set(stream.RequestHeader(), header)
		defer cancel()
		return firstOf(stream, encoded)
	}
	asked := connect.NewRequest(&encoded)
	set(asked.Header(), header)
	_, err = client.CallUnary(ctx, asked)
	return outcomeOf(err)
}

func firstOf(stream *connect.BidiStreamForClient[[]byte, []byte], request []byte) outcome {
	_ = stream.Send(&request) // Receive returns why it failed.
	_ = stream.CloseRequest()
	_, err := stream.Receive()
	return outcomeOf(err)
}

func set(to http.Header, header []string) {
	for i := 0; i+1 < len(header); i += 2 {
		to.Set(header[i], header[i+1])
	}
}

// raw passes on what is encoded already.
type raw struct{}

func (raw) Name() string                       { return "proto" }
func (raw) Marshal(source any) ([]byte, error) { return *source.(*[]byte), nil }
func (raw) Unmarshal(data []byte, target any) error {
	*target.(*[]byte) = bytes.Clone(data)
	return nil
}

// over2 speaks HTTP/2 without TLS.
var over2 = func() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}()

func untyped(id, data string) *postriderv1.PublishRequest {
	return &postriderv1.PublishRequest{Event: &postriderv1.Event{
		Id: id, Type: "a.b", Payload: &postriderv1.Event_JsonData{JsonData: data},
	}}
}

func bearer(key string) []string {
	if key == "" {
		return nil
	}
	return []string{"Authorization", "Bearer " + key}
}

func large(n int) string { return `"` + strings.Repeat("x", n) + `"` }
