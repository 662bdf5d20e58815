package main

import (
	"errors"
	"os"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// updatePaths are the fields that the flags of an update change, apart from the target's.
var updatePaths = []struct{ flag, path string }{
	{"name", "name"},
	{"description", "description"},
	{"types", "filter.types"},
	{"expression", "filter.expression"},
	{"retry", "policy.retry_schedule"},
	{"concurrency", "policy.concurrency"},
	{"timeout", "policy.timeout"},
	{"secret-file", "secret"},
	{"defaults", "payload_format"},
}

func updateSubscription(env environment, to *connection) *cobra.Command {
	var flags subscriptionFlags
	var name string
	var shown format
	cmd := &cobra.Command{
		Use:   "update NAME|ID",
		Short: "Change the given fields of a subscription",
		Long: `Change the given fields of a subscription and no others. A new filter applies to events that have no delivery yet. URL,
headers, payload format, secret and retry schedule apply from the next attempt on, including retries of existing deliveries.
An empty value, or 0, resets a field to its default, such as --expression ''.

Stored secrets, such as header values, are not sent to another address: if --url has another scheme, host or port, give them again
with --header, or remove them with --header ''.`,
		Example: `  postrider subscriptions update billing --url https://example.com/new-hook
  postrider subscriptions update billing --url https://other.example/hook --header 'Authorization: Bearer abc'
  postrider subscriptions update billing --types 'order.*' --expression 'event.data.total > 1000'
  postrider subscriptions update billing --retry 5s,1m,1h --concurrency 8`,
		Args: oneArgument("give the NAME or ID of a subscription"),
	}
	cmd.Flags().Var(placeholder(&name, "NAME"), "name", "new name")
	flags.add(cmd)
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		mask := &fieldmaskpb.FieldMask{}
		for _, one := range updatePaths {
			if cmd.Flags().Changed(one.flag) {
				mask.Paths = append(mask.Paths, one.path)
			}
		}
		kind, err := flags.target.choose(cmd.Flags())
		if err != nil {
			return usageError{cmd, err}
		}
		if len(mask.Paths) == 0 && kind == "" {
			return usageError{cmd, errors.New("nothing to change; give at least one flag")}
		}
		if url := cmd.Flags().Lookup("url"); url.Changed && url.Value.String() == "" {
			return usageError{cmd, errors.New("--url: a subscription needs a URL")}
		}
		sub, err := flags.content(name)
		if err != nil {
			return usageError{cmd, err}
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		current, err := c.subscriptions.GetSubscription(cmd.Context(), connect.NewRequest(
			&postriderv1.GetSubscriptionRequest{Tenant: c.tenant, Id: args[0]}))
		if err != nil {
			return err
		}
		sub.Id = current.Msg.GetSubscription().GetId()
		// The whole message keeps the rules, also what the mask leaves out.
		target, paths, err := flags.target.update(cmd.Flags(), current.Msg.GetSubscription().GetTarget())
		if err != nil {
			return usageError{cmd, err}
		}
		sub.Target, mask.Paths = target, append(mask.Paths, paths...)
		response, err := c.subscriptions.UpdateSubscription(cmd.Context(), connect.NewRequest(
			&postriderv1.UpdateSubscriptionRequest{Tenant: c.tenant, Subscription: sub, UpdateMask: mask}))
		if err != nil {
			return err
		}
		c.warnOfFilter(cmd.Context(), env.stderr, response.Msg.GetSubscription().GetFilter())
		return shown.printSubscription(env.stdout, response.Msg.GetSubscription())
	}
	return cmd
}

// readSecret reads a signing secret from a file.
func readSecret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	secret, err := os.ReadFile(file)
	return strings.TrimSpace(string(secret)), err
}

func maskOf(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }
