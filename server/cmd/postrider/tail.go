package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

const (
	firstReconnect = 250 * time.Millisecond
	maxReconnect   = 5 * time.Second
	// silence is how long a stream may say nothing, heartbeats included, before it counts as broken.
	silence = 45 * time.Second
)

type tailFlags struct {
	types      []string
	expression string
	start      string
	json       bool
	defaults   bool
	count      int
}

func tailCommand(env environment, to *connection) *cobra.Command {
	var flags tailFlags
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Watch events as they are published",
		Long: `Watch events as they are published, until interrupted.

After a disconnect, tail resumes where it stopped: no event is lost or shown twice. If events are missing because the log
was replaced or retention removed them, tail reports that on standard error.`,
		Example: `  postrider tail
  postrider tail --types 'order.*,payment.*' --start earliest
  postrider tail --types shop.v1.OrderCreated --expression 'event.data.lines.exists(l, l.quantity > 10)'
  postrider tail --json --count 10 | jq .data`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			t := &tailer{client: c, env: env, flags: flags, cursor: flags.start, print: printer(env, flags.json)}
			return t.run(cmd.Context())
		},
	}
	set := cmd.Flags()
	set.StringSliceVar(&flags.types, "types", nil, "event types: exact, a prefix such as 'order.*', or '*'")
	named(set, "types", "TYPE,...")
	set.Var(placeholder(&flags.expression, "EXPR"), "expression", expressionUsage)
	set.Var(placeholder(&flags.start, "START"), "start", `where to begin: "now", "earliest", a cursor or an RFC 3339 time`)
	set.BoolVar(&flags.json, "json", false, "print each event as one line of JSON")
	set.BoolVar(&flags.defaults, "defaults", false, defaultsUsage)
	set.IntVar(&flags.count, "count", 0, "stop after this many events")
	named(set, "count", "N")
	to.addFlags(cmd)
	selective(cmd, "types", "expression")
	return cmd
}

// tailer follows one stream across disconnects.
type tailer struct {
	client *client
	env    environment
	flags  tailFlags
	print  func(*postriderv1.Event) error
	// cursor is where to begin, and from the first message on the place reached.
	cursor    string
	connected bool
	shown     int
}

// errEnough ends a tail that has shown what was asked for.
var errEnough = errors.New("enough")

func (t *tailer) run(ctx context.Context) error {
	wait := firstReconnect
	for {
		before := t.cursor
		err := t.follow(ctx)
		switch {
		case errors.Is(err, errEnough), ctx.Err() != nil:
			return nil
		case !t.connected || !worthRetrying(err):
			return err
		}
		if t.cursor != before {
			wait = firstReconnect
		}
		_ = say(t.env.stderr, "disconnected (%s); reconnecting\n", message(err))
		if !pause(ctx, time.Duration(float64(wait)*(0.5+rand.Float64()))) {
			return nil
		}
		wait = min(wait*2, maxReconnect)
	}
}

// follow reads one stream until it breaks.
func (t *tailer) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	stream, err := t.client.events.Subscribe(ctx, connect.NewRequest(&postriderv1.SubscribeRequest{
		Tenant: t.client.tenant, Types: t.flags.types, Expression: t.flags.expression, Start: t.cursor,
		PayloadFormat: payloadFormat(t.flags.defaults),
	}))
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	for stream.Receive() {
		watchdog.Reset(silence)
		if err := t.take(stream.Msg()); err != nil {
			return err
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	return connect.NewError(connect.CodeUnavailable, errors.New("the server ended the stream"))
}

func (t *tailer) take(message *postriderv1.SubscribeResponse) error {
	t.connected = true
	if event := message.GetEvent(); event != nil {
		if err := t.print(event); err != nil {
			return err
		}
		t.shown++
	}
	t.reportGap(message.GetBegin().GetGap())
	t.reportGap(message.GetGap())
	t.cursor = message.GetCursor()
	if t.flags.count > 0 && t.shown >= t.flags.count {
		return errEnough
	}
	return nil
}

func (t *tailer) reportGap(gap *postriderv1.Gap) {
	if gap != nil {
		_ = say(t.env.stderr, "events are missing here: %s\n", gap.GetMessage())
	}
}

// worthRetrying reports whether a stream that ended with err may go on where it stopped.
func worthRetrying(err error) bool {
	var coded *connect.Error
	if !errors.As(err, &coded) {
		return false
	}
	switch coded.Code() {
	case connect.CodeUnavailable, connect.CodeUnknown, connect.CodeInternal, connect.CodeAborted, connect.CodeCanceled,
		connect.CodeDeadlineExceeded, connect.CodeResourceExhausted, connect.CodeDataLoss:
		return true
	default:
		return false
	}
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
