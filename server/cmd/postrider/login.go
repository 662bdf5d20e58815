package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// maxKeyBytes bounds what is read as a key.
const maxKeyBytes = 1024

func loginCommand(env environment, to *connection) *cobra.Command {
	var name, tenant string
	cmd := &cobra.Command{
		Use:   "login [URL]",
		Short: "Store a server and an API key, as a context",
		Long: `Store a server and an API key under a name, as a context, and use it from now on.

The key is asked for on a terminal and not shown; otherwise it is the first line of standard input. It is tried before it is stored, in a
file that only you can read: contexts.json in the folder postrider of your configuration folder.

The name is the host of the server if none is given. A context of this name is replaced.`,
		Example: `  postrider login https://events.example.com
  postrider login https://events.example.com --name prod < key.txt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{cmd, fmt.Errorf("give one URL, not %d arguments", len(args))}
			}
			return nil
		},
	}
	cmd.Flags().Var(placeholder(&name, "NAME"), "name", "name of the context (default the host)")
	cmd.Flags().Var(placeholder(&tenant, "TENANT"), "tenant", "the tenant to work with (default the key's own)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		address, err := parseServer(firstOf(append(args, to.variable(urlVariable), defaultServer())...))
		if err != nil {
			return usageError{cmd, err}
		}
		if name == "" {
			name = strings.ReplaceAll(address.Hostname(), ":", "-")
		}
		if err := checkContextName(name); err != nil {
			return usageError{cmd, err}
		}
		saved, err := env.readContexts()
		if err != nil {
			return err
		}
		one := savedContext{Server: strings.TrimSuffix(address.String(), "/"), Tenant: tenant}
		if one.Key, err = env.readKey(address); err != nil {
			return err
		}
		session, err := tryKey(cmd.Context(), one)
		if err != nil {
			return err
		}
		saved.Contexts[name], saved.Current = one, name
		path, err := env.writeContexts(saved)
		if err != nil {
			return err
		}
		return say(env.stdout, "Logged in to %s with the key %q, as context %q in %s\n", one.Server, session.GetKeyName(), name, path)
	}
	return cmd
}

// readKey asks for a key on a terminal without showing it, or reads the first line of standard input.
func (e environment) readKey(server *url.URL) (string, error) {
	var line string
	var err error
	if file, ok := e.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		_ = say(e.stderr, "API key for %s: ", server)
		var text []byte
		text, err = term.ReadPassword(int(file.Fd()))
		_ = say(e.stderr, "\n")
		line = string(text)
	} else {
		line, err = bufio.NewReader(io.LimitReader(e.stdin, maxKeyBytes+1)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	key := strings.TrimSpace(line)
	if key == "" || len(key) > maxKeyBytes {
		return "", wrongUsage("the key must have 1 to %d characters", maxKeyBytes)
	}
	return key, nil
}

// tryKey shows a key to its server before it is stored.
func tryKey(ctx context.Context, one savedContext) (*postriderv1.Session, error) {
	c := newClient(place{server: one.Server, serverFrom: "as given", key: one.Key, keyFrom: "this login"})
	response, err := c.sessions.GetSession(ctx, connect.NewRequest(&postriderv1.GetSessionRequest{}))
	if err != nil {
		return nil, err
	}
	return response.Msg.GetSession(), nil
}

func contextsCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contexts",
		Short: "Manage the servers and keys that login has stored",
		Example: `  postrider contexts list
  postrider contexts use prod
  postrider contexts remove prod`,
	}
	group(cmd)
	cmd.AddCommand(listContexts(env), changeContexts(env, "use", "Use a context from now on", func(saved *savedContexts, name string) {
		saved.Current = name
	}), changeContexts(env, "remove", "Forget a context and its key", func(saved *savedContexts, name string) {
		delete(saved.Contexts, name)
		if saved.Current == name {
			saved.Current = ""
		}
	}))
	return cmd
}

func listContexts(env environment) *cobra.Command {
	var shown format
	cmd := &cobra.Command{Use: "list", Short: "List contexts, without their keys", Args: noArguments}
	shown.add(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		saved, err := env.readContexts()
		if err != nil {
			return err
		}
		rows := make([]contextRow, 0, len(saved.Contexts))
		for _, name := range saved.names() {
			one := saved.Contexts[name]
			rows = append(rows, contextRow{name, one.Server, one.Tenant, name == saved.Current})
		}
		return printList(env.stdout, shown, contextListing, func(yield func([]contextRow, error) bool) { yield(rows, nil) })
	}
	return cmd
}

// contextRow is what is shown of a context.
type contextRow struct {
	Name    string `json:"name"`
	Server  string `json:"server"`
	Tenant  string `json:"tenant,omitempty"`
	Current bool   `json:"current"`
}

var contextListing = listing[contextRow]{
	head: "CURRENT\tNAME\tSERVER\tTENANT",
	row: func(row contextRow) []any {
		current := ""
		if row.Current {
			current = "*"
		}
		return []any{current, row.Name, row.Server, row.Tenant}
	},
	json: jsonLine[contextRow],
}

// changeContexts makes a command that changes the stored contexts by one that is there.
func changeContexts(env environment, verb, short string, change func(saved *savedContexts, name string)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: oneArgument("give the NAME of a context"),
		RunE: func(cmd *cobra.Command, args []string) error {
			saved, err := env.readContexts()
			if err != nil {
				return err
			}
			if _, known := saved.Contexts[args[0]]; !known {
				return usageError{cmd, saved.unknown(args[0])}
			}
			change(&saved, args[0])
			_, err = env.writeContexts(saved)
			return err
		},
	}
}
