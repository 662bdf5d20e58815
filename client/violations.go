package client

import (
	"errors"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Violation is one field that breaks a rule.
type Violation struct {
	// Field is the path of the field, for example "event.data.lines[0].quantity".
	Field string
	// Rule is the id of the rule, for example "int32.gte"; empty if the rule has none.
	Rule string
	// Message is for a person.
	Message string
}

// Violations returns the fields at fault: those of a server's refusal, of a *RefusedError or of a *PayloadError. It returns nil
// if the error names no field. A server names at most 100.
func Violations(err error) []Violation {
	var refused *RefusedError
	var payload *PayloadError
	var coded *connect.Error
	switch {
	case errors.As(err, &refused):
		return fromSchema(refused.Refusal.GetViolations())
	case errors.As(err, &payload):
		return fromSchema(payload.Event.GetViolations())
	case errors.As(err, &coded):
		return fromDetails(coded.Details())
	default:
		return nil
	}
}

// fromSchema returns the violations of an event. Their paths begin at the event, those of a refused call at its request.
func fromSchema(violations []*postriderv1.SchemaViolation) (found []Violation) {
	for _, one := range violations {
		found = append(found, Violation{Field: "event." + one.GetField(), Rule: one.GetRule(), Message: one.GetMessage()})
	}
	return found
}

func fromDetails(details []*connect.ErrorDetail) (found []Violation) {
	for _, detail := range details {
		switch strings.TrimPrefix(detail.Type(), "type.googleapis.com/") {
		case "buf.validate.Violations":
			if value, err := detail.Value(); err == nil {
				found = append(found, fromRules(value.(*validate.Violations).GetViolations())...)
			}
		case "google.rpc.BadRequest":
			found = append(found, fromBadRequest(detail.Bytes())...)
		}
	}
	return found
}

func fromRules(violations []*validate.Violation) (found []Violation) {
	for _, one := range violations {
		found = append(found, Violation{Field: pathText(one.GetField()), Rule: one.GetRuleId(), Message: one.GetMessage()})
	}
	return found
}

// fromBadRequest parses by hand, as detailField does.
func fromBadRequest(encoded []byte) (found []Violation) {
	const violationsField, fieldField, descriptionField, reasonField = 1, 1, 2, 3
	for len(encoded) > 0 {
		number, kind, n := protowire.ConsumeTag(encoded)
		if n < 0 {
			return found
		}
		size := protowire.ConsumeFieldValue(number, kind, encoded[n:])
		if size < 0 {
			return found
		}
		if number == violationsField && kind == protowire.BytesType {
			one, _ := protowire.ConsumeBytes(encoded[n:])
			found = append(found, Violation{
				Field:   string(bytesField(one, fieldField)),
				Rule:    string(bytesField(one, reasonField)),
				Message: string(bytesField(one, descriptionField)),
			})
		}
		encoded = encoded[n+size:]
	}
	return found
}

// pathText returns a path as the server writes it elsewhere: names with at most one subscript each.
func pathText(path *validate.FieldPath) string {
	var text strings.Builder
	for i, element := range path.GetElements() {
		if i > 0 {
			text.WriteByte('.')
		}
		text.WriteString(element.GetFieldName())
		if subscript := subscriptText(element); subscript != "" {
			text.WriteString("[" + subscript + "]")
		}
	}
	return text.String()
}

func subscriptText(element *validate.FieldPathElement) string {
	switch subscript := element.GetSubscript().(type) {
	case *validate.FieldPathElement_Index:
		return strconv.FormatUint(subscript.Index, 10)
	case *validate.FieldPathElement_BoolKey:
		return strconv.FormatBool(subscript.BoolKey)
	case *validate.FieldPathElement_IntKey:
		return strconv.FormatInt(subscript.IntKey, 10)
	case *validate.FieldPathElement_UintKey:
		return strconv.FormatUint(subscript.UintKey, 10)
	case *validate.FieldPathElement_StringKey:
		return strconv.Quote(subscript.StringKey)
	default:
		return ""
	}
}
