package wire

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/postrider-dev/postrider/server/gateway"
)

// An error that a codec returns ends the call before any interceptor sees it, with a message but without details. So the
// codecs record the error in the message, in a field that no contract uses, and the interceptor Requests returns it. A client
// that sets this field itself gets the error that it wrote.
const refusalField protowire.Number = protowire.MaxValidNumber

type refusal struct {
	Reason  gateway.Reason
	Message string
	Fields  []gateway.Violation
}

// refuse empties a message and records in it why it could not be decoded.
func refuse(message proto.Message, cause *gateway.Error) {
	proto.Reset(message)
	// A struct of texts and numbers can always be encoded.
	text, _ := json.Marshal(refusal{Reason: cause.Reason, Message: cause.Message, Fields: cause.Fields})
	raw := protowire.AppendTag(nil, refusalField, protowire.BytesType)
	message.ProtoReflect().SetUnknown(protowire.AppendBytes(raw, text))
}

// readRefusal returns the error that refuse recorded; nil if there is none.
func readRefusal(message proto.Message) error {
	raw := message.ProtoReflect().GetUnknown()
	for len(raw) > 0 {
		number, _, size := protowire.ConsumeField(raw)
		if size < 0 {
			return malformed("not a valid message")
		}
		if number == refusalField {
			return parseRefusal(raw[:size])
		}
		raw = raw[size:]
	}
	return nil
}

func parseRefusal(raw []byte) error {
	_, kind, size := protowire.ConsumeTag(raw)
	if kind != protowire.BytesType {
		return malformed("not a valid message")
	}
	text, _ := protowire.ConsumeBytes(raw[size:])
	var left refusal
	if err := json.Unmarshal(text, &left); err != nil {
		return malformed("not a valid message")
	}
	return &gateway.Error{
		Code: gateway.CodeInvalid, Reason: left.Reason, Message: left.Message, Fields: left.Fields,
	}
}
