package main

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const scopePrefix = "API_KEY_SCOPE_"

func keysCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Manage API keys",
		Example: `  postrider keys create shop --scopes publish
  postrider keys create dashboard --scopes consume --tenant acme
  postrider keys list
  postrider keys revoke key_0123`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(listKeys(env, to), createKey(env, to), revokeKey(env, to))
	return cmd
}

func listKeys(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{Use: "list", Short: "List API keys, including revoked ones", Args: noArguments}
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		return printList(env.stdout, shown, keyListing, c.listKeys(cmd.Context()))
	}
	return cmd
}

var keyListing = listing[*postriderv1.ApiKey]{
	head: "NAME\tSCOPES\tTENANT\tBEGINS\tSTATE\tID",
	row: func(key *postriderv1.ApiKey) []any {
		return []any{
			key.GetName(), scopeNames(key.GetScopes()), firstOf(key.GetTenant(), "(any)"), key.GetHint() + "…", keyState(key), key.GetId(),
		}
	},
	json: messageLine[*postriderv1.ApiKey],
}

func (c *client) listKeys(ctx context.Context) iter.Seq2[[]*postriderv1.ApiKey, error] {
	return pages(func(token string) ([]*postriderv1.ApiKey, string, error) {
		response, err := c.keys.ListApiKeys(ctx, connect.NewRequest(
			&postriderv1.ListApiKeysRequest{Tenant: c.tenant, PageSize: pageSize, PageToken: token}))
		if err != nil {
			return nil, "", err
		}
		return response.Msg.GetApiKeys(), response.Msg.GetNextPageToken(), nil
	})
}

func keyState(key *postriderv1.ApiKey) string {
	if key.RevokeTime != nil {
		return "revoked"
	}
	return "good"
}

func scopeNames(scopes []postriderv1.ApiKeyScope) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = lower(scope.String(), scopePrefix)
	}
	return strings.Join(names, ",")
}

func createKey(env environment, to *connection) *cobra.Command {
	var scopes []string
	var shown format
	cmd := &cobra.Command{
		Use:   "create NAME --scopes SCOPE,…",
		Short: "Create an API key and print its secret, which is shown only once",
		Long: `Create an API key and print its secret, which is shown only once. Only the secret is written to standard output.

Scopes: publish (publish events), consume (read events and deliveries, subscribe), admin (everything). With
--tenant the key is limited to that tenant.`,
		Example: `  POSTRIDER_API_KEY=$(postrider keys create shop --scopes publish)`,
		Args:    oneArgument("give a NAME for the new key"),
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "publish, consume, admin")
	named(cmd.Flags(), "scopes", "SCOPE,...")
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wanted, err := parseScopes(scopes)
		if err != nil {
			return usageError{cmd, err}
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.keys.CreateApiKey(cmd.Context(), connect.NewRequest(&postriderv1.CreateApiKeyRequest{
			ApiKey: &postriderv1.ApiKey{Name: args[0], Tenant: c.tenant, Scopes: wanted},
		}))
		if err != nil {
			return err
		}
		if shown.forPrograms() {
			return printMessage(env.stdout, response.Msg)
		}
		_ = say(env.stderr, "Key %s created; its secret is not shown again:\n", response.Msg.GetApiKey().GetId())
		_, err = fmt.Fprintln(env.stdout, response.Msg.GetSecret())
		return err
	}
	return cmd
}

func parseScopes(names []string) ([]postriderv1.ApiKeyScope, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("--scopes is missing; for example: --scopes publish,consume")
	}
	var scopes []postriderv1.ApiKeyScope
	for _, name := range names {
		value := postriderv1.ApiKeyScope_value[scopePrefix+strings.ToUpper(name)]
		if value == 0 {
			return nil, fmt.Errorf("--scopes: %q is not publish, consume or admin", name)
		}
		scopes = append(scopes, postriderv1.ApiKeyScope(value))
	}
	return scopes, nil
}

func revokeKey(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{Use: "revoke ID", Short: "Revoke an API key for good, within a second", Args: oneArgument("give the ID of a key")}
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.keys.RevokeApiKey(cmd.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: args[0]}))
		if err != nil {
			return err
		}
		key := response.Msg.GetApiKey()
		return shown.printOne(env.stdout, key, func() error { return say(env.stdout, "%s (%s) is revoked\n", key.GetName(), args[0]) })
	}
	return cmd
}
