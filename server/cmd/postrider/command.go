package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// environment is what a command sees of the world around it.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(name string) (string, bool)
}

const about = `Postrider is a type-safe event gateway: publish an event once, over gRPC or plain JSON, and it is
checked, stored, and delivered to every subscriber.

Client commands find the server at POSTRIDER_URL and show it the key POSTRIDER_API_KEY. On the machine of the
server the key may be left out: then the admin key of the data folder is used.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by the server, 4 server not reachable or key not accepted.`

// group makes a command that only holds others: alone it explains itself, and a wrong word after it is an error.
func group(cmd *cobra.Command) {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{cmd, fmt.Errorf("there is no %q among the %s commands", args[0], cmd.Name())}
		}
		return cmd.Help()
	}
}

// newCommand puts the command line together.
func newCommand(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "postrider",
		Short: "A type-safe event gateway",
		Long:  about,
		Example: `  postrider serve
  postrider publish order.created '{"orderId":"42"}'
  postrider tail --types 'order.*'`,
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
		serveCommand(env), publishCommand(env, to), tailCommand(env, to), typesCommand(env, to),
		subscriptionsCommand(env, to), deliveriesCommand(env, to), keysCommand(env, to), tenantsCommand(env, to),
		streamsCommand(env, to), versionCommand(env),
	)
	return root
}
