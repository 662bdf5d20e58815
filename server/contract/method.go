package contract

import (
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Method is a method of the API. Its name, its messages, its options and whether it streams are in its descriptor.
type Method struct {
	protoreflect.MethodDescriptor
	client *connect.Client[message, message]
}

func newMethod(of protoreflect.MethodDescriptor, through connect.HTTPClient) *Method {
	output, err := protoregistry.GlobalTypes.FindMessageByName(of.Output().FullName())
	if err != nil {
		panic(err) // The file of the method is linked in, and so are its types.
	}
	m := &Method{MethodDescriptor: of}
	m.client = connect.NewClient[message, message](through, inProcess+m.Procedure(),
		connect.WithCodec(codec{}),
		connect.WithAcceptCompression("gzip", nil, nil),
		connect.WithResponseInitializer(func(_ connect.Spec, received any) error {
			received.(*message).Message = output.New().Interface()
			return nil
		}),
	)
	return m
}

// Procedure is the path at which the method is served.
func (m *Method) Procedure() string { return fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name()) }

func (m *Method) isStream() bool { return m.IsStreamingClient() || m.IsStreamingServer() }

// check refuses a message that is not the method's, which only a faulty edge sends.
func (m *Method) check(request proto.Message) error {
	if got := request.ProtoReflect().Descriptor().FullName(); got != m.Input().FullName() {
		return misused("%s takes a %s, not a %s", m.FullName(), m.Input().FullName(), got)
	}
	return nil
}

func misused(format string, args ...any) error {
	return connect.NewError(connect.CodeInternal, fmt.Errorf(format, args...))
}

// message lets one type of client carry the messages of all methods.
type message struct{ proto.Message }

// codec is the binary encoding. The messages of a call are encoded although they stay in the process: so the
// server reads them with all its checks, and neither side can change what the other one holds.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(source any) ([]byte, error) { return proto.Marshal(source.(*message).Message) }

func (codec) Unmarshal(data []byte, target any) error {
	return proto.Unmarshal(data, target.(*message).Message)
}
