package wire

import (
	"time"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Begin has the values of the first message of a stream.
type Begin struct {
	At  gateway.Cursor
	Gap gateway.Gap
	// Stream is the stream's id; empty for none.
	Stream string
	// Expires is when the stream ends unless it is renewed; zero for never.
	Expires time.Time
	// Live means that the stream begins at the end of the log.
	Live bool
}

// StreamBegin returns the first message of a stream: where it begins, whether events are missing, and whether it begins at
// the end of the log.
func StreamBegin(begin Begin) *postriderv1.SubscribeResponse {
	shown := &postriderv1.StreamBegin{
		Gap: newGap(begin.Gap), Stream: begin.Stream, ExpireTime: timestamp(begin.Expires), Live: begin.Live,
	}
	return &postriderv1.SubscribeResponse{
		Cursor: begin.At.String(), Message: &postriderv1.SubscribeResponse_Begin{Begin: shown},
	}
}

// StreamEvent returns the message with an event and the names of the filters that select it.
func StreamEvent(event *postriderv1.Event, filters []string) *postriderv1.SubscribeResponse {
	return &postriderv1.SubscribeResponse{
		Cursor: event.GetCursor(), Filters: filters, Message: &postriderv1.SubscribeResponse_Event{Event: event},
	}
}

// StreamHeartbeat returns a heartbeat, with the position that the stream has reached, and whether that is the end of the log.
func StreamHeartbeat(at gateway.Cursor, live bool) *postriderv1.SubscribeResponse {
	beat := &postriderv1.Heartbeat{Live: live}
	return &postriderv1.SubscribeResponse{
		Cursor: at.String(), Message: &postriderv1.SubscribeResponse_Heartbeat{Heartbeat: beat},
	}
}

// StreamGap returns the message that events are missing before a position.
func StreamGap(at gateway.Cursor, gap gateway.Gap) *postriderv1.SubscribeResponse {
	return &postriderv1.SubscribeResponse{
		Cursor: at.String(), Message: &postriderv1.SubscribeResponse_Gap{Gap: newGap(gap)},
	}
}

// StreamDropped returns the message that events were dropped before a position, because the reader was too slow.
func StreamDropped(at gateway.Cursor, events int64) *postriderv1.SubscribeResponse {
	dropped := &postriderv1.Dropped{Events: events}
	return &postriderv1.SubscribeResponse{
		Cursor: at.String(), Message: &postriderv1.SubscribeResponse_Dropped{Dropped: dropped},
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
