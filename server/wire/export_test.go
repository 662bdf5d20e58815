package wire

import (
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
)

// Codec returns one of the codecs.
func Codec(name string, maxRequestBytes int) connect.Codec {
	read := reader{maxBytes: maxRequestBytes}
	for _, codec := range []connect.Codec{protoCodec{read}, jsonCodec{read, "json"}} {
		if codec.Name() == name {
			return codec
		}
	}
	return nil
}

// Refusal returns why a codec could not read a message; nil when it could.
func Refusal(message proto.Message) error { return readRefusal(message) }

// Parse reads a message as the codecs do.
func Parse(data []byte, message proto.Message, asJSON bool) error {
	parse := parseProto
	if asJSON {
		parse = parseJSON
	}
	if fault := parse(data, message); fault != nil {
		return fault
	}
	return nil
}

// PatternText returns the words for a pattern of the contract.
func PatternText(pattern string) string { return patternTexts[pattern] }
