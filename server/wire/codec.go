package wire

import (
	"fmt"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Codecs returns the option with the encodings of the contract. Requests of more than maxRequestBytes are refused.
// connect.WithReadMaxBytes, which can only return resource_exhausted without details, must have a higher limit. The
// interceptor Requests refuses requests that the codecs cannot decode.
func Codecs(maxRequestBytes int) connect.HandlerOption {
	read := reader{maxBytes: maxRequestBytes}
	return connect.WithHandlerOptions(
		connect.WithCodec(protoCodec{read}),
		connect.WithCodec(jsonCodec{read, "json"}),
		connect.WithCodec(jsonCodec{read, "json; charset=utf-8"}),
	)
}

// reader is the common part of the codecs.
type reader struct{ maxBytes int }

// read calls parse to fill the message. On an error it records the error in the message.
func (r reader) read(data []byte, target any, parse func([]byte, proto.Message) *gateway.Error) error {
	message, ok := target.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message", target)
	}
	fault := r.checkSize(data)
	if fault == nil {
		fault = parse(data, message)
	}
	if fault != nil {
		refuse(message, fault)
	}
	return nil
}

func (r reader) checkSize(data []byte) *gateway.Error {
	if r.maxBytes > 0 && len(data) > r.maxBytes {
		return tooLarge(fmt.Sprintf("has %d bytes, the limit is %d", len(data), r.maxBytes))
	}
	return nil
}

// protoCodec is the binary encoding.
type protoCodec struct{ reader }

func (protoCodec) Name() string { return "proto" }

func (c protoCodec) Unmarshal(data []byte, target any) error { return c.read(data, target, parseProto) }

func parseProto(data []byte, message proto.Message) *gateway.Error {
	if fault := checkParts(data, protoParts(message)); fault != nil {
		return fault
	}
	if err := proto.Unmarshal(data, message); err != nil {
		return malformed("is not a valid message: " + trimProto(err.Error()))
	}
	return nil
}

func (c protoCodec) Marshal(source any) ([]byte, error) { return c.MarshalAppend(nil, source) }

// MarshalAppend implements the optional interface through which Connect reuses its buffers.
func (protoCodec) MarshalAppend(dst []byte, source any) ([]byte, error) {
	if ready, ok := source.(*Encoded); ok {
		return ready.appendProto(dst), nil
	}
	message, ok := source.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", source)
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, message)
}

// trimProto removes the prefix of the Protobuf runtime, whose space is sometimes a no-break space.
func trimProto(text string) string {
	return strings.TrimLeft(strings.TrimPrefix(text, "proto:"), " \u00a0")
}
