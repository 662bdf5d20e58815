package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/postrider-dev/postrider/server/gateway"
)

// environment is a command's access to its process: the standard streams, the environment variables and the user's configuration.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(name string) (string, bool)
	// configFolder returns the folder for the configuration of the user's programs; nil where there is none.
	configFolder func() (string, error)
}

const about = `Postrider is a type-safe event gateway. Publish an event once, over gRPC or plain JSON; Postrider checks it,
stores it, and delivers it to every subscriber.

Client commands use the server and the key that "postrider login" has stored. POSTRIDER_URL and POSTRIDER_API_KEY come first, and
flags before both. On the machine of the server no key is needed: without one, commands use the admin key in the data folder.

Programs read --json (one value; of a list, an array) or --ndjson (one value a line).

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 refused by the server, 4 server not reachable or key not accepted.`

// group makes a command that only contains subcommands. Without arguments it prints its help; an unknown subcommand is an error.
func group(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
}

func unknownCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, one := range parent.Commands() {
		if one.IsAvailableCommand() {
			names = append(append(names, one.Name()), one.Aliases...)
		}
	}
	if near := gateway.Nearest(name, names); near != "" {
		return usageError{parent, fmt.Errorf("there is no command %q; did you mean \"%s %s\"?", parent.CommandPath()+" "+name, parent.CommandPath(), near)}
	}
	return usageError{parent, fmt.Errorf("there is no command %q", parent.CommandPath()+" "+name)}
}

// newCommand assembles the command line.
func newCommand(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "postrider",
		Short: "A type-safe event gateway",
		Long:  about,
		Example: `  postrider serve
  postrider publish order.created '{"orderId":"42"}'
  postrider tail --types 'order.*'
  postrider listen --forward-to http://localhost:3000/webhooks`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.SetFlagErrorFunc(flagError)
	group(root)
	printVersion(root, env)
	to := &connection{env: env}
	publish := publishCommand(env, to)
	to.addFlags(publish)
	addGroup(root, "Events", publish, eventsCommand(env, to), tailCommand(env, to), listenCommand(env, to), typesCommand(env, to))
	addGroup(root, "Delivery", subscriptionsCommand(env, to), deliveriesCommand(env, to), streamsCommand(env, to))
	addGroup(root, "Server", serveCommand(env), statusCommand(env, to), healthCommand(env, to), tenantsCommand(env, to), keysCommand(env, to))
	addGroup(root, "This program", loginCommand(env, to), contextsCommand(env), completionCommand(env), manCommand(), versionCommand(env))
	help := helpCommand()
	help.GroupID = "This program"
	root.SetHelpCommand(help)
	completeNames(root, to)
	return root
}

// addGroup adds commands that the help shows under a title.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
	for _, cmd := range commands {
		cmd.GroupID = title
	}
	root.AddCommand(commands...)
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			found := cmd.Root()
			for _, name := range args {
				next, _, err := found.Find([]string{name})
				if err != nil || next == found {
					return unknownCommand(found, name)
				}
				found = next
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}
