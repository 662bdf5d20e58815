package clienttest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

const loginPage = "<!doctype html><title>Sign in</title>"

func page(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(loginPage))
	}
}

// refusalOf returns as a server of RPC does that is not ours, or as ours for the domain "postrider".
func refusalOf(domain string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refusal := connect.NewError(connect.CodePermissionDenied, fmt.Errorf("not here"))
		if domain != "" {
			detail, _ := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: "MISSING_SCOPE", Domain: domain})
			refusal.AddDetail(detail)
		}
		_ = connect.NewErrorWriter().Write(w, r, refusal)
	}
}

// asked returns with success in the form that was asked for, and a body of its own.
func asked(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(body))
	}
}

func encoded(message proto.Message) string {
	raw, _ := proto.Marshal(message)
	return string(raw)
}

// wrongAnswers are what comes in place of the server's answer while it is being replaced.
var wrongAnswers = map[string]http.HandlerFunc{
	"a page with 200":             page(http.StatusOK),
	"a page with 400":             page(http.StatusBadRequest),
	"a page with 401":             page(http.StatusUnauthorized),
	"a page with 403":             page(http.StatusForbidden),
	"a page with 404":             page(http.StatusNotFound),
	"a page with 405":             page(http.StatusMethodNotAllowed),
	"a page with 409":             page(http.StatusConflict),
	"a page with 413":             page(http.StatusRequestEntityTooLarge),
	"a page with 500":             page(http.StatusInternalServerError),
	"a page with 520":             page(520),
	"a way to a login":            page(http.StatusFound, "Location", "/login"),
	"a way to another host":       page(http.StatusTemporaryRedirect, "Location", "http://login.invalid/"),
	"the refusal of another":      refusalOf(""),
	"the refusal of a known API":  refusalOf("googleapis.com"),
	"nothing, with 200":           asked(""),
	"half a message":              asked("\x0a\x40half"),
	"a message that is no answer": asked("{}"),
	"the acknowledgement of another event": asked(encoded(&postriderv1.PublishResponse{
		Id: "another", Cursor: "a-cursor",
	})),
	"a stream that begins in the middle": asked("\x00\x00\x00\x00\x02\x0a\x00"),
	"an end without a beginning":         asked("\x02\x00\x00\x00\x02{}"),
	"gRPC's answer of a gateway": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "12")
		w.Header().Set("Grpc-Message", "no such route")
	},
	"gRPC's answer with foreign details": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "7")
		w.Header().Set("Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString([]byte("\x08\x07\x12\x02no")))
	},
}

// newProxy passes requests on to a server, except the first ones, which it returns itself. It speaks HTTP/2 as well.
func newProxy(t *testing.T, to string, wrong http.HandlerFunc, first int32) (address string, requests *atomic.Int32) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	pass := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     &http.Transport{Protocols: h2c},
		FlushInterval: -1,
	}
	requests = new(atomic.Int32)
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= first {
			wrong(w, r)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	proxy.Config.Protocols = protocols
	proxy.Start()
	t.Cleanup(func() {
		proxy.CloseClientConnections()
		proxy.Close()
	})
	return proxy.URL, requests
}

// Regression (issue 8, 20): what a proxy answered during a redeploy was taken for the server's refusal, and streams ended
// and publishes were lost.
func TestAProxysAnswerIsNotTheServersRefusal(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	protocols := map[string][]client.Option{"Connect": nil, "gRPC": {client.WithGRPC()}}
	for name, wrong := range wrongAnswers {
		for protocol, options := range protocols {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				connected := func() (*client.Client, *atomic.Int32) {
					address, requests := newProxy(t, server, wrong, 2)
					return client.New(address, append(options, client.WithKey(adminKey))...), requests
				}
				id := client.NewID()
				c, requests := connected()
				ack, err := c.Publish(soon(t), paid("1"), client.ID(id))
				if err != nil || ack.ID != id || ack.Duplicate || requests.Load() != 3 {
					t.Fatalf("publish: %+v, %v after %d requests", ack, err, requests.Load())
				}
				c, _ = connected()
				acks, err := c.PublishBatch(soon(t), event(t, paid("2"), client.ID(id+"-batch")))
				if err != nil || len(acks) != 1 || acks[0].Duplicate {
					t.Fatalf("batch: %+v, %v", acks, err)
				}
				c, _ = connected()
				stream := c.PublishStream(soon(t))
				if err := stream.Publish(soon(t), paid("3"), client.ID(id+"-stream")); err != nil {
					t.Error(err)
				}
				if summary, err := stream.Close(soon(t)); err != nil || summary.Stored != 1 {
					t.Fatalf("stream of publishes: %+v, %v", summary, err)
				}
				c, _ = connected()
				expectIDs(t, c, id, id+"-batch", id+"-stream")
			})
		}
	}
}

// expectIDs reads, from the beginning, until the events of these ids have come, each once and in order.
func expectIDs(t *testing.T, c *client.Client, ids ...string) {
	t.Helper()
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(client.Earliest)) {
		if err != nil {
			t.Error(err)
			return
		}
		if event.GetId() != ids[0] {
			continue
		}
		if ids = ids[1:]; len(ids) == 0 {
			return
		}
	}
}

// What the server itself refuses is final at once, also through a proxy.
func TestTheServersRefusalIsFinalThroughAProxy(t *testing.T) {
	t.Parallel()
	for protocol, options := range map[string][]client.Option{"Connect": nil, "gRPC": {client.WithGRPC()}} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			address, requests := newProxy(t, newServer(t), refusalOf("postrider"), 1000)
			c := client.New(address, append(options, client.WithKey(adminKey))...)
			if _, err := c.Publish(soon(t), paid("1")); connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("publish: %v", err)
			}
			for _, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c) {
				if connect.CodeOf(err) != connect.CodePermissionDenied {
					t.Errorf("subscribe: %v", err)
				}
			}
			stream := c.PublishStream(soon(t))
			_ = stream.Publish(soon(t), paid("1"))
			if _, err := stream.Close(soon(t)); connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("stream of publishes: %v", err)
			}
			if n := requests.Load(); n != 3 {
				t.Errorf("%d requests, want 3", n)
			}
		})
	}
}
