package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

type tailFlags struct {
	selection selectionFlags
	json      bool
	defaults  bool
}

func tailCommand(env environment, to *connection) *cobra.Command {
	var flags tailFlags
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Watch events as they are published",
		Long: `Watch events as they are published, until interrupted.

After a disconnect, tail resumes where it stopped: no event is lost or shown twice. If events are missing because the log
was replaced by an older backup, tail reports that on standard error.`,
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
			show := printer(env, flags.json)
			f := flags.selection.follower(c, env, flags.defaults, func(_ context.Context, event *postriderv1.Event) error { return show(event) })
			if isTerminal(env.stderr) {
				f.begun = func() { _ = say(env.stderr, "Waiting for events at %s; Ctrl-C ends.\n", c.server) }
			}
			return ignoring(errEnough, f.run(cmd.Context()))
		},
	}
	set := cmd.Flags()
	flags.selection.add(cmd)
	set.BoolVar(&flags.json, "json", false, "print each event as one line of JSON")
	set.BoolVar(&flags.defaults, "defaults", false, defaultsUsage)
	to.addFlags(cmd)
	return cmd
}

// selectionFlags are the flags that select the events of a stream.
type selectionFlags struct {
	types      []string
	expression string
	start      string
	count      int
}

func (s *selectionFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringSliceVar(&s.types, "types", nil, "event types: exact, a prefix such as 'order.*', or '*'")
	named(set, "types", "TYPE,...")
	set.Var(placeholder(&s.expression, "EXPR"), "expression", expressionUsage)
	set.Var(placeholder(&s.start, "START"), "start", `where to begin: "now", "earliest", a cursor or an RFC 3339 time`)
	set.IntVar(&s.count, "count", 0, "stop after this many events")
	named(set, "count", "N")
	selective(cmd, "types", "expression")
}

// all reports whether the flags select every event.
func (s *selectionFlags) all() bool { return len(s.types) == 0 && s.expression == "" }

// errEnough ends a stream after the number of events that was asked for.
var errEnough = errors.New("enough")

// follower returns a follower of the selected events, which ends with errEnough.
func (s *selectionFlags) follower(c *client, env environment, defaults bool, handle func(context.Context, *postriderv1.Event) error) *follower {
	handled := 0
	return &follower{
		client: c, env: env,
		request: &postriderv1.SubscribeRequest{
			Tenant: c.tenant, Types: s.types, Expression: s.expression, Start: s.start, PayloadFormat: payloadFormat(defaults),
		},
		event: func(ctx context.Context, event *postriderv1.Event) error {
			if err := handle(ctx, event); err != nil {
				return err
			}
			if handled++; s.count > 0 && handled >= s.count {
				return errEnough
			}
			return nil
		},
	}
}

// ignoring returns nil for an expected error.
func ignoring(expected, err error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
