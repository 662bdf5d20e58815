package main

import (
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

func eventsCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List, show and publish events",
		Example: `  postrider events list --types 'order.*' --limit 10
  postrider events list --subject 42 --from 2026-01-02T00:00:00Z
  postrider events list --types 'order.*' --expression 'event.data.total > 1000'
  postrider events get evt_06h2jds74l0mqo5ntd7earo5ug
  postrider events publish order.created '{"orderId":"42"}'`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(listEvents(env, to), getEvent(env, to), publishCommand(env, to))
	return cmd
}

// eventsFlags select the events of a list.
type eventsFlags struct {
	types             []string
	subject, from, to string
	expression        string
	limit             int
	defaults          bool
}

func (f *eventsFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringSliceVar(&f.types, "types", nil, "event types: exact, a prefix such as 'order.*', or '*'")
	named(set, "types", "TYPE,...")
	set.Var(placeholder(&f.subject, "TEXT"), "subject", "only events with exactly this subject")
	set.Var(placeholder(&f.expression, "EXPR"), "expression", expressionUsage)
	set.Var(placeholder(&f.from, "TIME"), "from", "only events accepted at this time or later, RFC 3339")
	set.Var(placeholder(&f.to, "TIME"), "to", "only events accepted before this time, RFC 3339")
	set.BoolVar(&f.defaults, "defaults", false, defaultsUsage)
	addLimit(cmd, &f.limit)
	selective(cmd, "types", "subject", "expression")
}

func (f *eventsFlags) request() (*postriderv1.ListEventsRequest, error) {
	request := &postriderv1.ListEventsRequest{
		Types: f.types, Subject: f.subject, Expression: f.expression, PayloadFormat: payloadFormat(f.defaults),
	}
	var err error
	if request.FromTime, err = timeFlag("from", f.from); err != nil {
		return nil, err
	}
	request.ToTime, err = timeFlag("to", f.to)
	return request, err
}

// timeFlag reads the value of a flag that takes a time; nil if it is not given.
func timeFlag(flag, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	at, ok := gateway.ParseTime(text)
	if !ok {
		return nil, wrongUsage("--%s: %q is not a time such as 2006-01-02T15:04:05Z", flag, text)
	}
	return timestamppb.New(at), nil
}

func listEvents(env environment, to *connection) *cobra.Command {
	var flags eventsFlags
	var shown format
	cmd := &cobra.Command{
		Use: "list", Short: "List the newest stored events",
		Long: `List stored events, newest first. "tail" shows events as they are published.

"publish --ndjson" takes the lines of --ndjson.`,
		Args: noArguments,
	}
	flags.add(cmd)
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		request, err := flags.request()
		if err != nil {
			return err
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		request.Tenant = c.tenant
		list := newest(flags.limit, func(size int32, token string) ([]*postriderv1.Event, string, error) {
			request.PageSize, request.PageToken = size, token
			response, err := c.events.ListEvents(cmd.Context(), connect.NewRequest(request))
			if err != nil {
				return nil, "", err
			}
			return response.Msg.GetEvents(), response.Msg.GetNextPageToken(), nil
		})
		return printList(env.stdout, shown, eventListing, list)
	}
	return cmd
}

var eventListing = listing[*postriderv1.Event]{
	head: "ACCEPTED\tTYPE\tSUBJECT\tID\tDATA",
	row: func(event *postriderv1.Event) []any {
		data := beginning(oneLine(event.GetJsonData())) + broken(event)
		return []any{local(event.GetAcceptTime()), event.GetType(), event.GetSubject(), event.GetId(), data}
	},
	json: eventJSON,
}

func getEvent(env environment, to *connection) *cobra.Command {
	var shown format
	var defaults bool
	cmd := &cobra.Command{Use: "get ID", Short: "Show one event", Args: oneArgument("give the ID of an event")}
	cmd.Flags().BoolVar(&defaults, "defaults", false, defaultsUsage)
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.events.GetEvent(cmd.Context(), connect.NewRequest(
			&postriderv1.GetEventRequest{Tenant: c.tenant, Id: args[0], PayloadFormat: payloadFormat(defaults)}))
		if err != nil {
			return err
		}
		event := response.Msg.GetEvent()
		if shown.forPrograms() {
			return eventListing.printJSON(env.stdout, false, func(yield func([]*postriderv1.Event, error) bool) {
				yield([]*postriderv1.Event{event}, nil)
			})
		}
		return printEvent(env.stdout, event)
	}
	return cmd
}

func printEvent(w io.Writer, event *postriderv1.Event) error {
	violations := make([]string, len(event.GetViolations()))
	for i, v := range event.GetViolations() {
		violations[i] = v.GetField() + ": " + v.GetMessage()
	}
	if err := details(w,
		[2]string{"ID", event.GetId()},
		[2]string{"Type", event.GetType()},
		[2]string{"Source", event.GetSource()},
		[2]string{"Subject", event.GetSubject()},
		[2]string{"Time", event.GetTime().AsTime().Format(time.RFC3339Nano)},
		[2]string{"Accepted", event.GetAcceptTime().AsTime().Format(time.RFC3339Nano)},
		[2]string{"Tenant", event.GetTenant()},
		[2]string{"Cursor", event.GetCursor()},
		[2]string{"Breaks schema", strings.Join(violations, "; ")},
	); err != nil {
		return err
	}
	return say(w, "\n%s\n", oneLine(event.GetJsonData()))
}
