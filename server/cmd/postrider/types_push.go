package main

import (
	"errors"
	"io"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// errIncompatible ends a check of schemas that would be refused.
var errIncompatible = errors.New("the schemas are incompatible with those of the server; nothing was registered")

const pushAbout = `DIR is the root folder of .proto files: imports are relative to it. FILE is a single .proto file, whose imports
are relative to the current folder, or a FileDescriptorSet from "buf build -o FILE" or "protoc --include_imports
--include_source_info --descriptor_set_out FILE". - reads a FileDescriptorSet from standard input.

Event types are the messages with the option (postrider.v1.event), and those named by --type.`

// pushFlags say which messages are event types.
type pushFlags struct {
	types []string
	all   bool
	level string
	// unknown is what fields mean that the schema does not have.
	unknown string
	shown   format
}

func (f *pushFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringArrayVar(&f.types, "type", nil, "also register this message; MESSAGE=TYPE gives it another name; may be repeated")
	named(set, "type", "MESSAGE[=TYPE]")
	set.BoolVar(&f.all, "all", false, "register every top-level message")
	f.shown.addOne(cmd)
}

// request reads the sources and says what is asked for.
func (f *pushFlags) request(env environment, source string) (*postriderv1.RegisterEventTypesRequest, error) {
	request := &postriderv1.RegisterEventTypesRequest{All: f.all}
	if f.level != "" {
		level, err := parseLevel(f.level)
		if err != nil {
			return nil, wrongUsage("--level: %w", err)
		}
		request.Level = level
	}
	if f.unknown != "" {
		unknown, err := parseUnknownFields(f.unknown)
		if err != nil {
			return nil, wrongUsage("--unknown-fields: %w", err)
		}
		request.UnknownFields = unknown
	}
	for _, named := range f.types {
		message, kind, _ := strings.Cut(named, "=")
		request.Messages = append(request.Messages, &postriderv1.MessageSelection{Message: message, Type: kind})
	}
	var err error
	request.DescriptorSet, request.Files, err = readSchemas(env.stdin, source)
	return request, err
}

func pushTypes(env environment, to *connection) *cobra.Command {
	var flags pushFlags
	var allowBreaking bool
	cmd := &cobra.Command{
		Use: "push DIR|FILE|-", Short: "Register event types from .proto files or descriptors", Long: "Register event types, all or none.\n\n" + pushAbout,
		Example: `  postrider types push proto
  postrider types push order.proto --type shop.v1.OrderCreated --level warn
  buf build --as-file-descriptor-set -o - | postrider types push - --all`,
		Args: oneArgument("give a folder, a file or - with the schemas"),
	}
	flags.add(cmd)
	cmd.Flags().Var(placeholder(&flags.level, "LEVEL"), "level", "level of new types: off, warn or enforce (default enforce)")
	cmd.Flags().Var(placeholder(&flags.unknown, "WHAT"), "unknown-fields",
		"for new types: refuse or ignore fields that the schema does not have (default refuse)")
	cmd.Flags().BoolVar(&allowBreaking, "allow-breaking", false, "register breaking changes, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request, err := flags.request(env, args[0])
		if err != nil {
			return err
		}
		request.AllowBreaking = allowBreaking
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.types.RegisterEventTypes(cmd.Context(), connect.NewRequest(request))
		if report := refusedReport(err); report != nil {
			if err := printReport(env.stdout, report, flags.shown.forPrograms()); err != nil {
				return err
			}
			return errIncompatible
		}
		if err != nil {
			return err
		}
		return printReport(env.stdout, response.Msg.GetReport(), flags.shown.forPrograms())
	}
	return cmd
}

func checkTypes(env environment, to *connection) *cobra.Command {
	var flags pushFlags
	cmd := &cobra.Command{
		Use: "check DIR|FILE|-", Short: "Report what push would do, and fail if it would be refused",
		Long:    "Report what push would do, and exit with code 3 if it would be refused. Nothing is stored.\n\n" + pushAbout,
		Example: `  postrider types check proto`,
		Args:    oneArgument("give a folder, a file or - with the schemas"),
	}
	flags.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request, err := flags.request(env, args[0])
		if err != nil {
			return err
		}
		request.DryRun = true
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.types.RegisterEventTypes(cmd.Context(), connect.NewRequest(request))
		if err != nil {
			return err
		}
		report := response.Msg.GetReport()
		if err := printReport(env.stdout, report, flags.shown.forPrograms()); err != nil {
			return err
		}
		if incompatible(report) {
			return errIncompatible
		}
		return nil
	}
	return cmd
}

// refusedReport returns the report that a refusal carries, nil when it carries none.
func refusedReport(err error) *postriderv1.SchemaReport {
	var refused *connect.Error
	if !errors.As(err, &refused) {
		return nil
	}
	for _, detail := range refused.Details() {
		if value, err := detail.Value(); err == nil {
			if report, ok := value.(*postriderv1.SchemaReport); ok {
				return report
			}
		}
	}
	return nil
}

func incompatible(report *postriderv1.SchemaReport) bool {
	for _, one := range report.GetTypes() {
		if len(one.GetIncompatibilities()) > 0 {
			return true
		}
	}
	return false
}

var changeNames = map[postriderv1.TypeChange]string{
	postriderv1.TypeChange_TYPE_CHANGE_UNCHANGED:   "unchanged, version %d",
	postriderv1.TypeChange_TYPE_CHANGE_NEW_TYPE:    "new, version %d",
	postriderv1.TypeChange_TYPE_CHANGE_NEW_VERSION: "version %d",
}

func printReport(w io.Writer, report *postriderv1.SchemaReport, asJSON bool) error {
	if asJSON {
		return printMessage(w, report)
	}
	for _, one := range report.GetTypes() {
		_ = say(w, "%s: "+changeNames[one.GetChange()]+"\n", one.GetType(), one.GetVersion())
		printChanges(w, one.GetChanges())
		printIncompatibilities(w, one.GetIncompatibilities())
		for _, sub := range one.GetSubscriptions() {
			_ = say(w, "  subscription %s of tenant %s: %s\n", sub.GetName(), sub.GetTenant(), sub.GetReason())
		}
	}
	return nil
}
