package wire

import (
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// StreamMessage returns a message that carries no event.
func StreamMessage(m gateway.StreamMessage) *postriderv1.SubscribeResponse {
	shown := &postriderv1.SubscribeResponse{Cursor: m.Cursor.String()}
	switch m.Kind {
	case gateway.StreamBegin:
		shown.Message = &postriderv1.SubscribeResponse_Begin{Begin: &postriderv1.StreamBegin{
			Gap: newGap(m.Gap), Stream: m.Stream, ExpireTime: timestamp(m.Expires), Live: m.Live,
		}}
	case gateway.StreamGap:
		shown.Message = &postriderv1.SubscribeResponse_Gap{Gap: newGap(m.Gap)}
	case gateway.StreamDropped:
		shown.Message = &postriderv1.SubscribeResponse_Dropped{Dropped: &postriderv1.Dropped{Events: m.Dropped}}
	default:
		shown.Message = &postriderv1.SubscribeResponse_Heartbeat{Heartbeat: &postriderv1.Heartbeat{Live: m.Live}}
	}
	return shown
}

// StreamEvent returns the message with an event and the names of the filters that select it.
func StreamEvent(event *postriderv1.Event, filters []string) *postriderv1.SubscribeResponse {
	return &postriderv1.SubscribeResponse{
		Cursor: event.GetCursor(), Filters: filters, Message: &postriderv1.SubscribeResponse_Event{Event: event},
	}
}

func newGap(gap gateway.Gap) *postriderv1.Gap {
	switch gap {
	case gateway.GapLogReplaced:
		return &postriderv1.Gap{
			Reason:  postriderv1.GapReason_GAP_REASON_LOG_REPLACED,
			Message: "the cursor belongs to a log that was replaced, for example by restoring a backup",
		}
	case gateway.GapRetention:
		return &postriderv1.Gap{
			Reason:  postriderv1.GapReason_GAP_REASON_RETENTION,
			Message: "events after the cursor were removed by retention",
		}
	default:
		return nil
	}
}
