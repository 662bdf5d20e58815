package main

import (
	"fmt"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

func tenantsCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tenants",
		Short: "Manage tenants",
		Example: `  postrider tenants create acme --display-name 'Acme Inc.'
  postrider tenants list`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(listTenants(env, to), createTenant(env, to))
	return cmd
}

func listTenants(env environment, to *connection) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List tenants", Args: noArguments}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each as one line of JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		var all []*postriderv1.Tenant
		request := &postriderv1.ListTenantsRequest{PageSize: 1000}
		for {
			response, err := c.tenants.ListTenants(cmd.Context(), connect.NewRequest(request))
			if err != nil {
				return err
			}
			all = append(all, response.Msg.GetTenants()...)
			if request.PageToken = response.Msg.GetNextPageToken(); request.PageToken == "" {
				break
			}
		}
		if asJSON {
			return printMessages(env.stdout, all)
		}
		return table(env.stdout, "NAME\tDISPLAY NAME", func(row func(string, ...any)) {
			for _, tenant := range all {
				row("%s\t%s", tenant.GetName(), tenant.GetDisplayName())
			}
		})
	}
	return cmd
}

func createTenant(env environment, to *connection) *cobra.Command {
	var displayName string
	cmd := &cobra.Command{Use: "create NAME", Short: "Add a tenant", Args: oneArgument("what is the NAME of the new tenant?")}
	cmd.Flags().Var(placeholder(&displayName, "TEXT"), "display-name", "its name for people")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.tenants.CreateTenant(cmd.Context(), connect.NewRequest(&postriderv1.CreateTenantRequest{
			Tenant: &postriderv1.Tenant{Name: args[0], DisplayName: displayName},
		}))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "%s is created\n", response.Msg.GetTenant().GetName())
		return err
	}
	return cmd
}
