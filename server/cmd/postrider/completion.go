package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// completionTimeout bounds how long a shell waits for names from the server.
const completionTimeout = time.Second

func completionCommand(env environment) *cobra.Command {
	shells := []string{"bash", "fish", "zsh"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print a script that completes commands and names in a shell",
		Long: `Print a script that completes commands, flags, and the names of event types, subscriptions and contexts in a shell. Names come from the
server; a shell waits for them for at most a second.`,
		Example: `  source <(postrider completion bash)
  postrider completion zsh > "${fpath[1]}/_postrider"
  postrider completion fish > ~/.config/fish/completions/postrider.fish`,
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return wrongUsage("give one shell: bash, zsh or fish")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(env.stdout, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(env.stdout)
			default:
				return cmd.Root().GenFishCompletion(env.stdout, true)
			}
		},
	}
}

// completeNames completes the arguments and flags that are names.
func completeNames(root *cobra.Command, to *connection) {
	subscriptions, types := to.completer(subscriptionNames), to.completer(typeNames)
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for flag, complete := range map[string]cobra.CompletionFunc{
			"types": types, "subscription": subscriptions, "context": to.contextNames, "state": cobra.FixedCompletions(deliveryStateNames(), cobra.ShellCompDirectiveNoFileComp),
		} {
			if cmd.LocalFlags().Lookup(flag) != nil {
				_ = cmd.RegisterFlagCompletionFunc(flag, complete)
			}
		}
		if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
			cmd.ValidArgsFunction = argumentNames(cmd, subscriptions, types, to)
		}
		for _, child := range cmd.Commands() {
			visit(child)
		}
	}
	visit(root)
}

// argumentNames returns what completes the first argument of a command: it follows from the group that the command is in.
func argumentNames(cmd *cobra.Command, subscriptions, types cobra.CompletionFunc, to *connection) cobra.CompletionFunc {
	parent := ""
	if cmd.HasParent() {
		parent = cmd.Parent().Name()
	}
	_, argument, takesOne := strings.Cut(cmd.Use, " ")
	switch {
	case !takesOne:
		return nil
	case cmd.Name() == "publish":
		return first(types)
	case parent == "subscriptions" && cmd.Name() != "create":
		return first(subscriptions)
	case parent == "types" && strings.HasPrefix(argument, "TYPE"):
		return first(types)
	case parent == "contexts":
		return first(to.contextNames)
	default:
		return nil
	}
}

// first completes the first argument alone.
func first(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, begun)
	}
}

// completer completes names that the server has. Without the server there are none.
func (c *connection) completer(names func(context.Context, *client) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), completionTimeout)
		defer cancel()
		to, err := c.open()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, err := names(ctx, to)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return beginWith(all, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

func beginWith(names []string, begun string) []cobra.Completion {
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, begun) })
}

func (c *connection) contextNames(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	saved, err := c.env.readContexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return beginWith(saved.names(), begun), cobra.ShellCompDirectiveNoFileComp
}

// One page of names is enough for a shell.

func subscriptionNames(ctx context.Context, c *client) (names []string, err error) {
	response, err := c.subscriptions.ListSubscriptions(ctx, connect.NewRequest(
		&postriderv1.ListSubscriptionsRequest{Tenant: c.tenant, PageSize: pageSize}))
	if err != nil {
		return nil, err
	}
	for _, sub := range response.Msg.GetSubscriptions() {
		names = append(names, sub.GetName())
	}
	return names, nil
}

func typeNames(ctx context.Context, c *client) (names []string, err error) {
	response, err := c.types.ListEventTypes(ctx, connect.NewRequest(&postriderv1.ListEventTypesRequest{Tenant: c.tenant, PageSize: pageSize}))
	if err != nil {
		return nil, err
	}
	for _, one := range response.Msg.GetEventTypes() {
		names = append(names, one.GetName())
	}
	return names, nil
}
