package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// StreamService was mounted, and neither health nor reflection knew it.
func TestHealthAndReflectionKnowEveryServiceOfTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	connection := w.dialGRPC()
	listed := reflected(t, connection)
	protoregistry.GlobalFiles.RangeFilesByPackage("postrider.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			name := string(file.Services().Get(i).FullName())
			if !strings.Contains(listed, `"`+name+`"`) {
				t.Errorf("reflection does not know %s", name)
			}
			check, err := healthv1.NewHealthClient(connection).Check(soon(t), &healthv1.HealthCheckRequest{Service: name})
			if err != nil || check.GetStatus() != healthv1.HealthCheckResponse_SERVING {
				t.Errorf("health of %s: %v %v", name, check, err)
			}
		}
		return true
	})
}

// reflected lists the services, as Go text.
func reflected(t *testing.T, connection *grpc.ClientConn) string {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(connection).ServerReflectionInfo(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{ListServices: "*"},
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for _, service := range response.GetListServicesResponse().GetService() {
		names.WriteString(`"` + service.GetName() + `"`)
	}
	return names.String()
}

func TestAWrongContentTypeIsAnsweredWithThoseThereAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct{ path, mediaType string }{
		"text":               {publishPath, "text/plain"},
		"none":               {publishPath, ""},
		"a form":             {publishPath, "application/x-www-form-urlencoded"},
		"gRPC-Web as text":   {publishPath, "application/grpc-web-text"},
		"unary for a stream": {"/postrider.v1.EventService/Subscribe", "application/json"},
		"of health":          {"/grpc.health.v1.Health/Check", "text/plain"},
	} {
		got := w.do(http.MethodPost, test.path, adminKey, "{}", "Content-Type", test.mediaType)
		if got.status != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d %s", name, got.status, got.body)
			continue
		}
		shown := got.error(t)
		if shown.reason() != "INVALID_FIELD" || !strings.Contains(shown.Message, "Content-Type") ||
			!strings.Contains(shown.Message, "application/grpc-web+proto") || !strings.Contains(shown.Message, "binary only") {
			t.Errorf("%s: %s %s", name, shown.reason(), shown.Message)
		}
	}
}

func TestParametersOfEventSourcePolyfillsAreAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("order.created", `{"n":1}`)
	last := w.publish("order.created", `{"n":2}`).GetCursor()
	got := w.do(http.MethodGet, "/v1/events/stream?start=earliest&_=1712345678&lastEventId=nonsense", adminKey, "")
	if got.status != http.StatusBadRequest || got.error(t).reason() != "INVALID_CURSOR" {
		t.Errorf("a wrong lastEventId is answered %d %s", got.status, got.body)
	}
	stream := w.listen(http.DefaultClient, adminKey, "start=earliest&_=1712345678&lastEventId="+last)
	if begin := stream.expect("begin"); begin.id != last {
		t.Errorf("the stream begins at %q, want %q", begin.id, last)
	}
}

// Signing in costs work for callers who are not known, so it cannot be done without end. Other calls go on.
func TestSigningInIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 300 {
		got := w.post("/postrider.v1.SessionService/CreateSession", "", `{"key":"wrong"}`)
		if got.status == http.StatusUnauthorized {
			continue
		}
		if shown := got.error(t); got.status != http.StatusTooManyRequests || shown.Code != "resource_exhausted" ||
			shown.reason() != "RATE_LIMITED" || got.header.Get("Retry-After") == "" {
			t.Errorf("refused with %d %s", got.status, got.body)
		}
		w.publish("order.created", `{}`)
		return
	}
	t.Error("300 sign-ins one after the other are not refused")
}
