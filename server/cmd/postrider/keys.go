package main

import (
	"fmt"
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
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List API keys, including revoked ones", Args: noArguments}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each as one line of JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		var all []*postriderv1.ApiKey
		request := &postriderv1.ListApiKeysRequest{Tenant: c.tenant, PageSize: 1000}
		for {
			response, err := c.keys.ListApiKeys(cmd.Context(), connect.NewRequest(request))
			if err != nil {
				return err
			}
			all = append(all, response.Msg.GetApiKeys()...)
			if request.PageToken = response.Msg.GetNextPageToken(); request.PageToken == "" {
				break
			}
		}
		if asJSON {
			return printMessages(env.stdout, all)
		}
		return table(env.stdout, "NAME\tSCOPES\tTENANT\tBEGINS\tSTATE\tID", func(row func(string, ...any)) {
			for _, key := range all {
				row("%s\t%s\t%s\t%s…\t%s\t%s", key.GetName(), scopeNames(key.GetScopes()), firstOf(key.GetTenant(), "(any)"),
					key.GetHint(), keyState(key), key.GetId())
			}
		})
	}
	return cmd
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
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke an API key for good, within a second", Args: oneArgument("give the ID of a key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			response, err := c.keys.RevokeApiKey(cmd.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: args[0]}))
			if err != nil {
				return err
			}
			err = say(env.stdout, "%s (%s) is revoked\n", response.Msg.GetApiKey().GetName(), args[0])
			return err
		},
	}
}
