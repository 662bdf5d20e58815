package wire

import (
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// PublishStreamAck acknowledges the event of the request with an index.
func PublishStreamAck(index int64, ack gateway.Ack) *postriderv1.PublishStreamResponse {
	return &postriderv1.PublishStreamResponse{Message: &postriderv1.PublishStreamResponse_Ack{
		Ack: &postriderv1.PublishStreamAck{
			Index: index, Id: ack.ID, Cursor: ack.Cursor.String(), Duplicate: ack.Duplicate,
		},
	}}
}

// PublishStreamError returns the reason why the request with an index was refused. The id is the event's, if it has one.
func PublishStreamError(index int64, id string, why *gateway.Error) *postriderv1.PublishStreamError {
	return &postriderv1.PublishStreamError{
		Index: index, Id: printable(id), Code: codes[why.Code].String(), Reason: postriderv1.ErrorReason(why.Reason),
		Message: printable(why.Message), Violations: schemaViolations(why.Fields[:min(len(why.Fields), maxFields)]),
	}
}
