package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// TestNULInAnyText puts a NUL character into every text of every request of the contract, which PostgreSQL cannot store:
// each is refused, and the error names the field.
func TestNULInAnyText(t *testing.T) {
	w := newWorld(t)
	texts := 0
	for _, method := range contractMethods(t) {
		for _, request := range withEachText(method.Input(), "a\x00b") {
			texts++
			answers, err := w.callDynamic(method, request.message)
			if method.IsStreamingClient() { // where each message has an answer of its own
				if !strings.Contains(answers+fmt.Sprint(err), request.path+": must have no NUL characters") {
					t.Errorf("%s with %s: %s, %v", method.FullName(), request.path, answers, err)
				}
				continue
			}
			if field := namedField(err); connect.CodeOf(err) != connect.CodeInvalidArgument || field != request.path {
				t.Errorf("%s with %s: field %q, %v", method.FullName(), request.path, field, err)
			}
		}
	}
	if texts < 100 {
		t.Errorf("%d texts were tried, which cannot be all", texts)
	}
}

// contractMethods returns every method of the contract's services.
func contractMethods(t *testing.T) (methods []protoreflect.MethodDescriptor) {
	t.Helper()
	protoregistry.GlobalFiles.RangeFilesByPackage("postrider.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				methods = append(methods, service.Methods().Get(j))
			}
		}
		return true
	})
	if len(methods) < 30 {
		t.Fatalf("the contract has %d methods", len(methods))
	}
	return methods
}

// textRequest is a request with one text set.
type textRequest struct {
	path    string
	message *dynamicpb.Message
}

// withEachText makes a request for every text that a message can hold, at any depth.
func withEachText(of protoreflect.MessageDescriptor, text string) (requests []textRequest) {
	for _, path := range textPaths(of, nil) {
		message := dynamicpb.NewMessage(of)
		requests = append(requests, textRequest{setText(message, path, text), message})
	}
	return requests
}

func textPaths(of protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor) (paths [][]protoreflect.FieldDescriptor) {
	if of.ParentFile().Package() == "google.protobuf" || slices.ContainsFunc(above, func(f protoreflect.FieldDescriptor) bool {
		return f.ContainingMessage() == of
	}) {
		return nil
	}
	for i := range of.Fields().Len() {
		field := of.Fields().Get(i)
		path := append(slices.Clone(above), field)
		held := field
		if field.IsMap() {
			held = field.MapValue()
		}
		switch held.Kind() {
		case protoreflect.StringKind:
			paths = append(paths, path)
		case protoreflect.MessageKind:
			paths = append(paths, textPaths(held.Message(), path)...)
		}
	}
	return paths
}

// setText sets the text at the end of a path and returns how errors name it.
func setText(message protoreflect.Message, path []protoreflect.FieldDescriptor, text string) (name string) {
	for i, field := range path {
		last := i == len(path)-1
		name += string(field.Name())
		switch {
		case field.IsMap():
			message.Mutable(field).Map().Set(protoreflect.ValueOfString("key").MapKey(), protoreflect.ValueOfString(text))
			return name
		case field.IsList() && last:
			message.Mutable(field).List().Append(protoreflect.ValueOfString(text))
			name += "[0]"
		case field.IsList():
			message = message.Mutable(field).List().AppendMutable().Message()
			name += "[0]"
		case last:
			message.Set(field, protoreflect.ValueOfString(text))
		default:
			message = message.Mutable(field).Message()
		}
		name += "."
	}
	return strings.TrimSuffix(name, ".")
}

// callDynamic calls a method of any kind with one message and returns its answers, as text, and its error.
func (w *world) callDynamic(method protoreflect.MethodDescriptor, message *dynamicpb.Message) (answers string, err error) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	stream := w.dynamicCall(ctx, adminKey, method)
	if err := stream.Send(message); err != nil {
		return "", err
	}
	_ = stream.CloseRequest()
	for {
		answer, err := stream.Receive()
		if err != nil {
			return answers, err
		}
		answers += answer.String()
	}
}

// dynamicCall begins a call of a method of any kind.
func (w *world) dynamicCall(
	ctx context.Context, key string, method protoreflect.MethodDescriptor,
) *connect.BidiStreamForClient[dynamicpb.Message, dynamicpb.Message] {
	address := w.url + "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	client := connect.NewClient[dynamicpb.Message, dynamicpb.Message](&http.Client{Transport: h2c()}, address, connect.WithSchema(method), connect.WithGRPC(),
		connect.WithResponseInitializer(func(_ connect.Spec, made any) error {
			if m, ok := made.(*dynamicpb.Message); ok {
				*m = *dynamicpb.NewMessage(method.Output())
			}
			return nil
		}))
	stream := client.CallBidiStream(ctx)
	stream.RequestHeader().Set("Authorization", "Bearer "+key)
	return stream
}

// namedField returns the first field that an error names.
func namedField(err error) string {
	var coded *connect.Error
	if !errors.As(err, &coded) {
		return ""
	}
	for _, detail := range coded.Details() {
		value, err := detail.Value()
		if err != nil {
			continue
		}
		switch known := value.(type) {
		case *errdetails.BadRequest:
			return known.GetFieldViolations()[0].GetField()
		case *validate.Violations:
			return known.GetViolations()[0].GetField().GetElements()[0].GetFieldName()
		}
	}
	return ""
}

// TestNULInAStreamsQuery does the same to the parameters of streams over plain HTTP.
func TestNULInAStreamsQuery(t *testing.T) {
	w := newWorld(t)
	for _, parameter := range []string{"tenant", "types", "expression", "start", "filter", "heartbeat", "slow_policy", "payload_format"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			w.url+"/v1/events/stream?"+url.Values{parameter: {"a\x00b"}}.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+adminKey)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode < 400 || response.StatusCode > 499 {
			t.Errorf("%s: %s", parameter, response.Status)
		}
	}
}
