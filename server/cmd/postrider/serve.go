package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider-dev/postrider/server"
)

func serveCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server: API, web UI and delivery on one port.

SIGTERM or SIGINT stops the server: streams end, current attempts are finished or recorded. A second signal ends it at once.

` + environmentHelp(),
		Example: `  postrider serve
  postrider serve --listen 0.0.0.0:8080 --data /var/lib/postrider
  postrider serve --allow-targets 127.0.0.0/8,10.0.0.0/8 --schemas shop.binpb
  POSTRIDER_ADMIN_KEY=… POSTRIDER_SECRET_KEY=… postrider serve --data postgres://postrider@db/postrider`,
		Args: noArguments,
	}
	for _, setting := range server.Settings() {
		if setting.Flag != "" {
			value := setting.Default()
			cmd.Flags().Var(placeholder(&value, setting.Placeholder), setting.Flag, setting.Usage)
		}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		config, err := server.ReadConfig(givenFlags(cmd), env.lookup)
		if err != nil {
			return usageError{cmd, err}
		}
		return serve(cmd.Context(), config, env)
	}
	return cmd
}

// givenFlags looks up flags that were given, as against those that only have a default.
func givenFlags(cmd *cobra.Command) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		flag := cmd.Flags().Lookup(name)
		if flag == nil || !flag.Changed {
			return "", false
		}
		return flag.Value.String(), true
	}
}

func environmentHelp() string {
	var text strings.Builder
	text.WriteString("Each flag can also be set by an environment variable; the flag takes precedence.\n")
	for _, setting := range server.Settings() {
		if setting.Flag != "" {
			fmt.Fprintf(&text, "  %-27s --%s\n", setting.Env, setting.Flag)
		} else {
			fmt.Fprintf(&text, "  %-27s %s\n", setting.Env, setting.Usage)
		}
	}
	return text.String()
}

func serve(ctx context.Context, config server.Config, env environment) error {
	config.LimitMemory()
	instance, err := server.New(ctx, config, env.stderr)
	if err != nil {
		return err
	}
	greet(env.stdout, instance)
	return errors.Join(instance.Run(ctx), instance.Close())
}

// greet prints the server's URL, where its admin key is, and how to receive and publish the first event.
func greet(w io.Writer, instance *server.Server) {
	source, expression := "POSTRIDER_ADMIN_KEY, as set", `KEY="$POSTRIDER_ADMIN_KEY"`
	if path := instance.AdminKeyPath(); path != "" {
		source, expression = path, "KEY=$(cat "+shellQuote(path)+")"
	}
	fmt.Fprintf(w, `Postrider %s
  Web UI and API  %s
  Admin key       %s

Receive events, in a second terminal:
  %s

Publish one, in a third:
  %s; curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"event":{"type":"order.created","data":{"orderId":"42","total":1999}}}' %s/postrider.v1.EventService/Publish
`, server.Version(), instance.URL(), source, listenTo(instance), expression, instance.URL())
}

// listenTo is the command that receives the server's events on this machine, as another terminal in this folder would give it.
func listenTo(instance *server.Server) string {
	command := shellQuote(os.Args[0]) + " listen --print"
	standard := server.DefaultConfig()
	if instance.URL() != "http://"+standard.Listen {
		command += " --server " + instance.URL()
	}
	if path := instance.AdminKeyPath(); path != "" && filepath.Dir(path) != filepath.Clean(standard.Data) {
		command += " --data " + shellQuote(filepath.Dir(path))
	}
	return command
}

// shellQuote makes one word of a path for a shell.
func shellQuote(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
