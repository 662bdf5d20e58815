package main

import (
	"context"
	"errors"
	"iter"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

func tenantsCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tenants",
		Short: "Manage tenants",
		Example: `  postrider tenants create acme --display-name 'Acme Inc.'
  postrider tenants update acme --typed-only
  postrider tenants list`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(listTenants(env, to), createTenant(env, to), updateTenant(env, to))
	return cmd
}

func listTenants(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{Use: "list", Short: "List tenants", Args: noArguments}
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		return printList(env.stdout, shown, tenantListing, c.listTenants(cmd.Context()))
	}
	return cmd
}

var tenantListing = listing[*postriderv1.Tenant]{
	head: "NAME\tEVENTS\tDISPLAY NAME",
	row: func(tenant *postriderv1.Tenant) []any {
		return []any{tenant.GetName(), acceptedEvents(tenant), tenant.GetDisplayName()}
	},
	json: messageLine[*postriderv1.Tenant],
}

func acceptedEvents(tenant *postriderv1.Tenant) string {
	if tenant.GetTypedOnly() {
		return "typed only"
	}
	return "any"
}

func (c *client) listTenants(ctx context.Context) iter.Seq2[[]*postriderv1.Tenant, error] {
	return pages(func(token string) ([]*postriderv1.Tenant, string, error) {
		response, err := c.tenants.ListTenants(ctx, connect.NewRequest(&postriderv1.ListTenantsRequest{PageSize: pageSize, PageToken: token}))
		if err != nil {
			return nil, "", err
		}
		return response.Msg.GetTenants(), response.Msg.GetNextPageToken(), nil
	})
}

// tenantFlags are what can be said of a tenant.
type tenantFlags struct {
	displayName string
	typedOnly   bool
}

func (f *tenantFlags) add(cmd *cobra.Command) {
	cmd.Flags().Var(placeholder(&f.displayName, "TEXT"), "display-name", "name shown to people")
	cmd.Flags().BoolVar(&f.typedOnly, "typed-only", false, "refuse events whose type has no schema; --typed-only=false accepts them")
}

func (f *tenantFlags) tenant(name string) *postriderv1.Tenant {
	return &postriderv1.Tenant{Name: name, DisplayName: f.displayName, TypedOnly: f.typedOnly}
}

func createTenant(env environment, to *connection) *cobra.Command {
	var flags tenantFlags
	var shown format
	cmd := &cobra.Command{Use: "create NAME", Short: "Create a tenant", Args: oneArgument("give a NAME for the new tenant")}
	flags.add(cmd)
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.tenants.CreateTenant(cmd.Context(), connect.NewRequest(
			&postriderv1.CreateTenantRequest{Tenant: flags.tenant(args[0])}))
		if err != nil {
			return err
		}
		tenant := response.Msg.GetTenant()
		return shown.printOne(env.stdout, tenant, func() error { return say(env.stdout, "%s is created\n", tenant.GetName()) })
	}
	return cmd
}

func updateTenant(env environment, to *connection) *cobra.Command {
	var flags tenantFlags
	var shown format
	cmd := &cobra.Command{Use: "update NAME", Short: "Change the given fields of a tenant", Args: oneArgument("give the NAME of a tenant")}
	flags.add(cmd)
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		mask := &fieldmaskpb.FieldMask{}
		for _, flag := range []string{"display-name", "typed-only"} {
			if cmd.Flags().Changed(flag) {
				mask.Paths = append(mask.Paths, strings.ReplaceAll(flag, "-", "_"))
			}
		}
		if len(mask.GetPaths()) == 0 {
			return usageError{cmd, errors.New("nothing to change; give at least one flag")}
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.tenants.UpdateTenant(cmd.Context(), connect.NewRequest(
			&postriderv1.UpdateTenantRequest{Tenant: flags.tenant(args[0]), UpdateMask: mask}))
		if err != nil {
			return err
		}
		tenant := response.Msg.GetTenant()
		return shown.printOne(env.stdout, tenant, func() error {
			return tenantListing.table(env.stdout, []*postriderv1.Tenant{tenant})
		})
	}
	return cmd
}
