package e2e_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// follower is a Subscribe client as its documentation asks for: it remembers the last cursor and resumes from it.
type follower struct {
	client *client
	types  []string

	mu     sync.Mutex
	cursor string
	seen   []string
	gaps   []string
	// connects counts the streams that began.
	connects int
}

// run follows until the context ends, through every end of a stream.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		_ = f.stream(ctx)
		pause(ctx, retryPause)
	}
}

func (f *follower) stream(ctx context.Context) error {
	f.mu.Lock()
	start := f.cursor
	f.mu.Unlock()
	if start == "" {
		start = "earliest"
	}
	stream, err := f.client.events.Subscribe(ctx, connect.NewRequest(&postriderv1.SubscribeRequest{
		Types: f.types, Start: start, HeartbeatInterval: durationpb.New(500 * time.Millisecond),
	}))
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	for first := true; stream.Receive(); first = false {
		f.note(stream.Msg(), first)
	}
	return stream.Err()
}

func (f *follower) note(message *postriderv1.SubscribeResponse, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first {
		f.connects++
		if message.GetBegin() == nil {
			f.gaps = append(f.gaps, fmt.Sprintf("the first message is %v", message))
		}
	}
	if gap := message.GetBegin().GetGap(); gap != nil {
		f.gaps = append(f.gaps, gap.GetReason().String())
	}
	if gap := message.GetGap(); gap != nil {
		f.gaps = append(f.gaps, gap.GetReason().String())
	}
	if event := message.GetEvent(); event != nil {
		f.seen = append(f.seen, event.GetId())
	}
	if cursor := message.GetCursor(); cursor != "" {
		f.cursor = cursor
	}
}

// length is how many events it has seen.
func (f *follower) length() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.seen)
}
