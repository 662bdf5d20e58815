package contract_test

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/contract"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/store"
)

func protoName(name string) protoreflect.FullName { return protoreflect.FullName(name) }

// Whatever a method does with an empty request, it does the same in process and over the port, with any key.
func TestEveryMethodIsCallable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, method := range w.calls.Methods() {
		for name, key := range map[string]string{"the admin's key": adminKey, "a wrong key": "prk_nobody", "no key": ""} {
			for _, request := range []proto.Message{generated(t, method), dynamicpb.NewMessage(method.Input())} {
				got := w.outcome(method, request, bearer(key)...)
				want := w.overHTTP(method, request, bearer(key)...)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s with %s: %+v in process, %+v over HTTP", method.FullName(), name, got, want)
				}
				if key == adminKey && refusing[got.code] {
					t.Errorf("%s with %s: %+v", method.FullName(), name, got)
				}
			}
		}
	}
}

// refusing are the codes of calls that no method was called for.
var refusing = map[string]bool{
	"unauthenticated": true, "permission_denied": true, "unimplemented": true, "internal": true, "unknown": true,
	"not a connect error": true,
}

func generated(t *testing.T, method *contract.Method) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

// outcome calls a method in process, and looks at the first response of a stream.
func (w *world) outcome(method *contract.Method, request proto.Message, header ...string) (got outcome) {
	w.t.Helper()
	w.visit(func(r *http.Request) {
		caller := contract.CallerOf(r, "test")
		if !method.IsStreamingServer() {
			_, err := w.calls.Call(r.Context(), caller, method, request)
			got = outcomeOf(err)
			return
		}
		stream := w.calls.Stream(r.Context(), caller, method)
		defer stream.Close()
		go func() {
			_ = stream.Send(request) // Receive returns why it failed.
			_ = stream.CloseSend()
		}()
		_, err := stream.Receive()
		got = outcomeOf(err)
	}, header...)
	return got
}

func TestErrorsAreThoseOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.call(service+"Publish", untyped("taken", `{}`), bearer(adminKey)...); err != nil {
		t.Fatal(err)
	}
	publish := func(change func(*postriderv1.Event)) *postriderv1.PublishRequest {
		request := untyped("", `{}`)
		change(request.Event)
		return request
	}
	for _, test := range []struct {
		name, method string
		request      proto.Message
		code         string
		detail       string
	}{
		{"a rule of the contract", "Publish", publish(func(e *postriderv1.Event) { e.Id, e.Type = "no spaces", "a..b" }), "invalid_argument", "google.rpc.BadRequest"},
		{"a schema", "Publish", publish(func(e *postriderv1.Event) { e.Type = "shop.v1.OrderCreated" }), "invalid_argument", "buf.validate.Violations"},
		{"an id that is taken", "Publish", untyped("taken", `{"other":1}`), "already_exists", "google.rpc.ErrorInfo"},
		{"nothing there", "GetEvent", &postriderv1.GetEventRequest{Id: "nothing"}, "not_found", "google.rpc.ErrorInfo"},
		{"too large an event", "Publish", untyped("", large(300<<10)), "invalid_argument", "google.rpc.ErrorInfo"},
		{"too large a request", "Publish", untyped("", large(maxRequest)), "invalid_argument", "google.rpc.ErrorInfo"},
		{"a request that is not read", "Publish", untyped("", large(2*maxRequest)), "invalid_argument", "google.rpc.ErrorInfo"},
	} {
		method := w.method(service + test.method)
		got := w.outcome(method, test.request, bearer(adminKey)...)
		want := w.overHTTP(method, test.request, bearer(adminKey)...)
		if !reflect.DeepEqual(got, want) || got.code != test.code || !strings.Contains(kinds(got), test.detail) {
			t.Errorf("%s:\n%+v in process,\n%+v over HTTP; want %s with %s", test.name, got, want, test.code, test.detail)
		}
	}
}

func kinds(o outcome) (all string) {
	for _, one := range o.details {
		all += one.kind + " "
	}
	return all
}

// What the server sets beside the message reaches the edge, and the client's cookie reaches the server, with the checks of its origin.
func TestHeadersPassBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signIn := &postriderv1.CreateSessionRequest{Key: adminKey}
	signedIn, err := w.call("postrider.v1.SessionService.CreateSession", signIn)
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(signedIn.Header.Get("Set-Cookie"), ";")
	if cookie == "" || signedIn.Header.Get("Content-Type") != "" {
		t.Errorf("the headers are %v", signedIn.Header)
	}
	for origin, want := range map[string]string{w.url: "ok", "http://elsewhere.example": "permission_denied", "": "ok"} {
		_, err := w.call("postrider.v1.SessionService.GetSession", &postriderv1.GetSessionRequest{}, "Cookie", cookie, "Origin", origin)
		if got := outcomeOf(err).code; got != want {
			t.Errorf("from %q: %s, want %s", origin, got, want)
		}
	}
}

// What is limited for each address is limited for that of the edge's client, and its log line names it.
func TestACallIsItsClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	method := w.method("postrider.v1.SessionService.CreateSession")
	signIn := func(address string) (err error) {
		w.visit(func(r *http.Request) {
			caller := contract.CallerOf(r, "test")
			caller.Address = address
			_, err = w.calls.Call(r.Context(), caller, method, &postriderv1.CreateSessionRequest{Key: "prk_wrong"})
		})
		return err
	}
	if got := outcomeOf(signIn("192.0.2.9:1000")).code; got != "unauthenticated" || !strings.Contains(w.logs.String(), "protocol=test peer=192.0.2.9:1000") {
		t.Errorf("%s; the log: %s", got, w.logs)
	}
	var refused error
	for i := 0; i < 200 && outcomeOf(refused).code != "resource_exhausted"; i++ {
		refused = signIn("192.0.2.1:1000")
	}
	var limited *connect.Error
	if !errorAs(refused, &limited) || limited.Meta().Get("Retry-After") == "" || limited.Meta().Get("Content-Type") != "" {
		t.Errorf("the last sign-in: %v", refused)
	}
	if got := outcomeOf(signIn("192.0.2.2:1000")).code; got != "unauthenticated" {
		t.Errorf("from another address: %s", got)
	}
}

func TestAPanicEndsItsCallOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server.WithLog(func(own *store.Store) publish.Log { return panicking{own} }))
	for range 2 {
		_, err := w.call(service+"Publish", untyped("", `{}`), bearer(adminKey)...)
		if got := outcomeOf(err); got.code != "internal" || !strings.HasPrefix(got.message, "internal error (id ") {
			t.Errorf("a unary call: %+v", got)
		}
		got := w.outcome(w.method(service+"PublishStream"), publishStreamRequest(""), bearer(adminKey)...)
		if got.code != "internal" || !strings.HasPrefix(got.message, "internal error (id ") {
			t.Errorf("a stream: %+v", got)
		}
	}
	if logs := w.logs.String(); strings.Count(logs, "the disk is on fire") != 4 {
		t.Errorf("the log: %s", logs)
	}
}

// panicking is a log that cannot append.
type panicking struct{ *store.Store }

func (panicking) Append(context.Context, int64, []store.NewEvent) ([]store.Appended, error) {
	panic("the disk is on fire")
}

func TestAForeignMessageIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.call(service+"Publish", &postriderv1.GetEventRequest{}, bearer(adminKey)...)
	if err == nil || !strings.Contains(err.Error(), "takes a postrider.v1.PublishRequest") {
		t.Errorf("got %v", err)
	}
	if _, err = w.call(service+"Subscribe", &postriderv1.SubscribeRequest{}, bearer(adminKey)...); err == nil {
		t.Error("a stream was called as a unary method")
	}
}
