package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// publishFlags are the attributes of the one event, and where its data or many events are.
type publishFlags struct {
	id, source, subject, time string
	file, ndjson              string
	json                      bool
}

func publishCommand(env environment, to *connection) *cobra.Command {
	var flags publishFlags
	cmd := &cobra.Command{
		Use:   "publish TYPE [DATA]",
		Short: "Publish events",
		Long: `Publish one event, or many.

DATA is a JSON object. Without it, it is read from --file or from standard input.

With --ndjson each line is one event: an object with "type" and "data" and, if wanted, "id", "source", "subject" and
"time". When TYPE is given, each line is the data of one event of that type. Events go out in batches that are stored
all or none, and no later than when no further line comes for a moment; a failure names the first line that was not stored.
Events with ids can be sent again without doubling.

Lines of "postrider tail --json" copy events from one server to another, or to another tenant. To the server that showed
them they are no new events: they count as stored before, or are refused because it has filled in their time or source.`,
		Example: `  postrider publish order.created '{"orderId":"42","total":1999}'
  postrider publish order.created --file order.json --subject 42
  jq -c .order report.json | postrider publish order.created
  postrider publish --ndjson events.ndjson
  zcat events.ndjson.gz | postrider publish --ndjson -
  postrider tail --json | postrider publish --ndjson - --server https://other.example`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := flags.check(args); err != nil {
				return usageError{cmd, err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			if flags.ndjson != "" {
				return publishMany(cmd.Context(), c, env, flags, args)
			}
			return publishOne(cmd.Context(), c, env, flags, args)
		},
	}
	set := cmd.Flags()
	set.Var(placeholder(&flags.file, "FILE"), "file", `file with the data; "-" is standard input`)
	set.Var(placeholder(&flags.ndjson, "FILE"), "ndjson", `file with one event a line; "-" is standard input`)
	set.Var(placeholder(&flags.id, "ID"), "id", "the event's id; made by the server when absent")
	set.Var(placeholder(&flags.source, "URI"), "source", "where it happened")
	set.Var(placeholder(&flags.subject, "TEXT"), "subject", "what it is about")
	set.Var(placeholder(&flags.time, "TIME"), "time", "when it happened, RFC 3339; now when absent")
	set.BoolVar(&flags.json, "json", false, "print each acknowledgement as JSON")
	to.addFlags(cmd)
	return cmd
}

func (f publishFlags) check(args []string) error {
	switch {
	case f.ndjson != "" && (len(args) > 1 || f.file != ""):
		return errors.New("--ndjson takes no DATA and no --file")
	case f.ndjson != "" && f.id+f.source+f.subject+f.time != "":
		return errors.New("with --ndjson, attributes stand in each line")
	case f.ndjson == "" && len(args) == 0:
		return errors.New("which TYPE of event? For example: postrider publish order.created '{\"orderId\":\"42\"}'")
	case len(args) > 2:
		return fmt.Errorf("one event has one TYPE and one DATA, not %d arguments; quote the JSON", len(args))
	case len(args) == 2 && f.file != "":
		return errors.New("give the data as DATA or with --file, not both")
	}
	return nil
}

func publishOne(ctx context.Context, c *client, env environment, flags publishFlags, args []string) error {
	event, err := flags.event(env, args)
	if err != nil {
		return err
	}
	response, err := c.events.Publish(ctx, connect.NewRequest(&postriderv1.PublishRequest{Tenant: c.tenant, Event: event}))
	if err != nil {
		return err
	}
	return printAck(env.stdout, response.Msg, flags.json)
}

func (f publishFlags) event(env environment, args []string) (*postriderv1.Event, error) {
	event := &postriderv1.Event{Id: f.id, Type: args[0], Source: f.source, Subject: f.subject}
	if f.time != "" {
		at, ok := gateway.ParseTime(f.time)
		if !ok {
			return nil, fmt.Errorf("--time: %q is not a time such as 2006-01-02T15:04:05Z", f.time)
		}
		event.Time = timestamppb.New(at)
	}
	data, err := f.data(env, args)
	if err != nil {
		return nil, err
	}
	event.Payload = &postriderv1.Event_JsonData{JsonData: string(data)}
	return event, nil
}

func (f publishFlags) data(env environment, args []string) ([]byte, error) {
	if len(args) == 2 && args[1] != "-" {
		return []byte(args[1]), nil
	}
	in, err := openInput(env, firstOf(f.file, "-"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read data: %w", err)
	}
	return data, nil
}

func openInput(env environment, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(env.stdin), nil
	}
	return os.Open(name)
}

func printAck(w io.Writer, ack *postriderv1.PublishResponse, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{
			"id": ack.GetId(), "cursor": ack.GetCursor(), "duplicate": ack.GetDuplicate(),
		})
	}
	note := ""
	if ack.GetDuplicate() {
		note = "  (stored before)"
	}
	err := say(w, "%s  %s%s\n", ack.GetId(), ack.GetCursor(), note)
	return err
}
