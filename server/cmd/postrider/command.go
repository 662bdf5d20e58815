package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// environment is a command's access to its process: the standard streams and the environment variables.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(name string) (string, bool)
}

const about = `Postrider is a type-safe event gateway. Publish an event once, over gRPC or plain JSON; Postrider checks it,
stores it, and delivers it to every subscriber.

Client commands use the server at POSTRIDER_URL and the API key in POSTRIDER_API_KEY. On the machine of the server the
key is optional: without it, they use the admin key in the data folder.

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 refused by the server, 4 server not reachable or key not accepted.`

// group makes a command that only contains subcommands. Without arguments it prints its help; an unknown subcommand is an error.
func group(cmd *cobra.Command) {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{cmd, fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())}
		}
		return cmd.Help()
	}
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
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{cmd, err} })
	to := &connection{env: env}
	root.AddCommand(
		serveCommand(env), publishCommand(env, to), tailCommand(env, to), listenCommand(env, to), typesCommand(env, to),
		subscriptionsCommand(env, to), deliveriesCommand(env, to), keysCommand(env, to), tenantsCommand(env, to),
		streamsCommand(env, to), versionCommand(env),
	)
	return root
}
