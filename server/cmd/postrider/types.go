package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

func typesCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "types",
		Short: "Manage event types and their schemas",
		Example: `  postrider types push proto
  postrider types check proto
  postrider types list
  postrider types show shop.v1.OrderCreated
  postrider types diff shop.v1.OrderCreated
  postrider types pull gen/events`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(
		pushTypes(env, to), checkTypes(env, to), listTypes(env, to), showType(env, to), diffType(env, to),
		pullTypes(env, to), setTypeLevel(env, to), setUnknownFields(env, to), deleteType(env, to),
	)
	return cmd
}

func listTypes(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{Use: "list", Short: "List event types", Args: noArguments}
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		return printList(env.stdout, shown, typeListing, c.listTypes(cmd.Context()))
	}
	return cmd
}

var typeListing = listing[*postriderv1.EventType]{
	head: "NAME\tVERSION\tLEVEL\tDESCRIPTION",
	row: func(kind *postriderv1.EventType) []any {
		return []any{kind.GetName(), kind.GetLatestVersion(), levelName(kind.GetLevel()), summary(kind)}
	},
	json: messageLine[*postriderv1.EventType],
}

func (c *client) listTypes(ctx context.Context) iter.Seq2[[]*postriderv1.EventType, error] {
	return pages(func(token string) ([]*postriderv1.EventType, string, error) {
		response, err := c.types.ListEventTypes(ctx, connect.NewRequest(
			&postriderv1.ListEventTypesRequest{Tenant: c.tenant, PageSize: pageSize, PageToken: token}))
		if err != nil {
			return nil, "", err
		}
		return response.Msg.GetEventTypes(), response.Msg.GetNextPageToken(), nil
	})
}

// summary is a type's description in one line.
func summary(kind *postriderv1.EventType) string {
	line, _, _ := strings.Cut(kind.GetDescription(), "\n")
	if kind.GetDeprecated() {
		return strings.TrimSpace("deprecated: " + kind.GetDeprecationNote())
	}
	return line
}

func showType(env environment, to *connection) *cobra.Command {
	var shown format
	var version int32
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show an event type: its schema, an example, its subscribers and its usage",
		Args: oneArgument("give the NAME of an event type"),
	}
	shown.addOne(cmd)
	cmd.Flags().Int32Var(&version, "version", 0, "show this version; 0 means the latest")
	named(cmd.Flags(), "version", "N")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.types.GetEventType(cmd.Context(), connect.NewRequest(
			&postriderv1.GetEventTypeRequest{Tenant: c.tenant, Name: args[0], Version: version}))
		if err != nil {
			return err
		}
		return shown.printOne(env.stdout, response.Msg, func() error { return printType(env.stdout, response.Msg) })
	}
	return cmd
}

func printType(w io.Writer, shown *postriderv1.GetEventTypeResponse) error {
	kind, documentation := shown.GetEventType(), shown.GetDocumentation()
	_ = say(w, "%s, version %d of %d, %s\n", kind.GetName(), documentation.GetVersion(), kind.GetLatestVersion(), levelName(kind.GetLevel()))
	if kind.GetUnknownFields() == postriderv1.UnknownFields_UNKNOWN_FIELDS_IGNORE {
		fmt.Fprintln(w, "unknown fields are ignored")
	}
	if text := summary(kind); text != "" {
		fmt.Fprintln(w, text)
	}
	fmt.Fprintf(w, "\n%s", documentation.GetSource())
	if documentation.GetExample() != "" {
		fmt.Fprintf(w, "\nFor example:\n%s\n", documentation.GetExample())
	}
	traffic := shown.GetTraffic()
	_ = say(w, "\n%s events in 24 hours; since the server started %d marked, %d refused\n",
		atMost(traffic.GetEventsLastDay()), traffic.GetWarned(), traffic.GetRefused())
	if traffic.GetIgnored() > 0 {
		_ = say(w, "unknown fields were left out of %d events: %s\n", traffic.GetIgnored(), strings.Join(traffic.GetIgnoredFields(), ", "))
	}
	for _, sub := range shown.GetSubscribers() {
		_ = say(w, "subscriber %s%s\n", sub.GetName(), reasonAfter(sub.GetFilterError()))
	}
	return nil
}

// countLimit is up to how many events are counted exactly.
const countLimit = 10_000

func atMost(events int64) string {
	if events > countLimit {
		return "more than " + strconv.Itoa(countLimit)
	}
	return strconv.FormatInt(events, 10)
}

func reasonAfter(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func diffType(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{
		Use: "diff NAME [FROM [TO]]", Short: "Compare two versions of an event type (default: the last two)",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 3 {
				return usageError{cmd, errors.New("give the NAME of an event type, and up to two versions")}
			}
			return nil
		},
	}
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request := &postriderv1.DiffEventTypeRequest{Name: args[0]}
		for i, into := range []*int32{&request.FromVersion, &request.ToVersion} {
			if i+1 >= len(args) {
				break
			}
			version, err := strconv.ParseInt(args[i+1], 10, 32)
			if err != nil || version < 1 {
				return usageError{cmd, fmt.Errorf("%q is not a version; versions are 1, 2, 3, …", args[i+1])}
			}
			*into = int32(version)
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.types.DiffEventType(cmd.Context(), connect.NewRequest(request))
		if err != nil {
			return err
		}
		if shown.forPrograms() {
			return printMessage(env.stdout, response.Msg)
		}
		_ = say(env.stdout, "%s, version %d to %d\n", args[0], response.Msg.GetFromVersion(), response.Msg.GetToVersion())
		printChanges(env.stdout, response.Msg.GetChanges())
		printIncompatibilities(env.stdout, response.Msg.GetIncompatibilities())
		return nil
	}
	return cmd
}

// printChanges prints what was declared with a minus and what is with a plus.
func printChanges(w io.Writer, changes []*postriderv1.SchemaChange) {
	for _, change := range changes {
		_ = say(w, "%s\n", change.GetElement())
		printSigned(w, "-", change.GetBefore())
		printSigned(w, "+", change.GetAfter())
	}
}

func printSigned(w io.Writer, sign, text string) {
	if text == "" {
		return
	}
	for line := range strings.Lines(text) {
		_ = say(w, "  %s %s\n", sign, strings.TrimRight(line, "\n"))
	}
}

func printIncompatibilities(w io.Writer, found []*postriderv1.Incompatibility) {
	for _, one := range found {
		at := ""
		if position := one.GetPosition(); position.GetLine() > 0 {
			at = fmt.Sprintf("%s:%d:%d: ", position.GetFile(), position.GetLine(), position.GetColumn())
		}
		rule := strings.TrimPrefix(one.GetRule().String(), "INCOMPATIBILITY_RULE_")
		_ = say(w, "  breaking: %s%s: %s (%s)\n", at, one.GetElement(), one.GetMessage(), rule)
	}
}

func setTypeLevel(env environment, to *connection) *cobra.Command {
	return &cobra.Command{
		Use: "level NAME off|warn|enforce|default", Short: "Set how strictly a schema is enforced, for all tenants or for one (--tenant)",
		Example: `  postrider types level shop.v1.OrderCreated warn
  postrider types level shop.v1.OrderCreated enforce --tenant acme
  postrider types level shop.v1.OrderCreated default --tenant acme   # remove the tenant's own level`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{cmd, errors.New("give the NAME of an event type and its new level")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			level, err := parseLevel(args[1])
			if args[1] == "default" {
				level, err = postriderv1.EnforcementLevel_ENFORCEMENT_LEVEL_UNSPECIFIED, nil
			}
			if err != nil {
				return usageError{cmd, err}
			}
			c, err := to.open()
			if err != nil {
				return err
			}
			response, err := c.types.UpdateEventType(cmd.Context(), connect.NewRequest(&postriderv1.UpdateEventTypeRequest{
				Tenant: c.tenant, EventType: &postriderv1.EventType{Name: args[0], Level: level}, UpdateMask: maskOf("level"),
			}))
			if err != nil {
				return err
			}
			err = say(env.stdout, "%s is %s\n", args[0], levelName(response.Msg.GetEventType().GetLevel()))
			return err
		},
	}
}

func setUnknownFields(env environment, to *connection) *cobra.Command {
	return &cobra.Command{
		Use: "unknown-fields NAME refuse|ignore", Short: "Set how payload fields that the schema does not have are handled",
		Long: `Set how payload fields that the schema does not have are handled. "refuse" treats them as violations. "ignore" does not
store them; "types show" reports how often they occurred, and their paths.`,
		Example: `  postrider types unknown-fields shop.v1.OrderCreated ignore`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{cmd, errors.New("give the NAME of an event type, and refuse or ignore")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			unknown, err := parseUnknownFields(args[1])
			if err != nil {
				return usageError{cmd, err}
			}
			c, err := to.open()
			if err != nil {
				return err
			}
			_, err = c.types.UpdateEventType(cmd.Context(), connect.NewRequest(&postriderv1.UpdateEventTypeRequest{
				EventType: &postriderv1.EventType{Name: args[0], UnknownFields: unknown}, UpdateMask: maskOf("unknown_fields"),
			}))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.stdout, "unknown fields of %s: %s\n", args[0], args[1])
			return err
		},
	}
}

// parseUnknownFields reads refuse or ignore.
func parseUnknownFields(text string) (postriderv1.UnknownFields, error) {
	switch text {
	case "refuse":
		return postriderv1.UnknownFields_UNKNOWN_FIELDS_REFUSE, nil
	case "ignore":
		return postriderv1.UnknownFields_UNKNOWN_FIELDS_IGNORE, nil
	default:
		return 0, fmt.Errorf("%q is not refuse or ignore", text)
	}
}

func deleteType(env environment, to *connection) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete an event type that no event and no subscription uses", Args: oneArgument("give the NAME of an event type"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			_, err = c.types.DeleteEventType(cmd.Context(), connect.NewRequest(&postriderv1.DeleteEventTypeRequest{Name: args[0]}))
			if err != nil {
				return err
			}
			err = say(env.stdout, "%s is deleted\n", args[0])
			return err
		},
	}
}

const levelPrefix = "ENFORCEMENT_LEVEL_"

func levelName(level postriderv1.EnforcementLevel) string { return lower(level.String(), levelPrefix) }

// parseLevel reads off, warn or enforce.
func parseLevel(text string) (postriderv1.EnforcementLevel, error) {
	level, known := postriderv1.EnforcementLevel_value[levelPrefix+strings.ToUpper(text)]
	if !known || level == 0 {
		return 0, fmt.Errorf("%q is not a level; want off, warn or enforce", text)
	}
	return postriderv1.EnforcementLevel(level), nil
}
