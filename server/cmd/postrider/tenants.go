package main

import (
	"errors"
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
		return table(env.stdout, "NAME\tEVENTS\tDISPLAY NAME", func(row func(string, ...any)) {
			for _, tenant := range all {
				events := "any"
				if tenant.GetTypedOnly() {
					events = "typed only"
				}
				row("%s\t%s\t%s", tenant.GetName(), events, tenant.GetDisplayName())
			}
		})
	}
	return cmd
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
	cmd := &cobra.Command{Use: "create NAME", Short: "Create a tenant", Args: oneArgument("give a NAME for the new tenant")}
	flags.add(cmd)
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
		err = say(env.stdout, "%s is created\n", response.Msg.GetTenant().GetName())
		return err
	}
	return cmd
}

func updateTenant(env environment, to *connection) *cobra.Command {
	var flags tenantFlags
	cmd := &cobra.Command{Use: "update NAME", Short: "Change the given fields of a tenant", Args: oneArgument("give the NAME of a tenant")}
	flags.add(cmd)
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
		return printMessage(env.stdout, response.Msg.GetTenant())
	}
	return cmd
}
