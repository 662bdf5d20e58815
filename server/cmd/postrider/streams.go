package main

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

func streamsCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "streams",
		Short: "List and disconnect open live streams",
		Example: `  postrider streams list
  postrider streams disconnect str_5tqk3wzr2v7x4nq6m2b8c9d0e1`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(listStreams(env, to), disconnectStream(env, to))
	return cmd
}

func listStreams(env environment, to *connection) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the open live streams of a tenant, oldest first", Args: noArguments}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each as one line of JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		all, err := c.allStreams(cmd.Context())
		if err != nil {
			return err
		}
		if asJSON {
			return printMessages(env.stdout, all)
		}
		return table(env.stdout, "ID\tOVER\tWHO\tFROM\tOPEN FOR\tSTATE\tLAG\tSENT\tCARRIES", func(row func(string, ...any)) {
			for _, one := range all {
				row("%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s", one.GetId(), lower(one.GetTransport().String(), "TRANSPORT_"), holderOf(one),
					one.GetRemoteAddress(), time.Since(one.GetOpenTime().AsTime()).Round(time.Second), streamState(one),
					one.GetLag(), one.GetSent(), carries(one.GetFilters()))
			}
		})
	}
	return cmd
}

func (c *client) allStreams(ctx context.Context) ([]*postriderv1.LiveStream, error) {
	var all []*postriderv1.LiveStream
	request := &postriderv1.ListStreamsRequest{Tenant: c.tenant, PageSize: 1000}
	for {
		response, err := c.streams.ListStreams(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		all = append(all, response.Msg.GetStreams()...)
		if request.PageToken = response.Msg.GetNextPageToken(); request.PageToken == "" {
			return all, nil
		}
	}
}

// holderOf is the name of the key, and by what a stream was let in if not by the key itself.
func holderOf(one *postriderv1.LiveStream) string {
	name := firstOf(one.GetApiKeyName(), one.GetApiKeyId(), "admin key")
	if one.GetAdmission() == postriderv1.LiveStream_ADMISSION_KEY {
		return name
	}
	return name + " (" + lower(one.GetAdmission().String(), "ADMISSION_") + ")"
}

func streamState(one *postriderv1.LiveStream) string {
	if one.GetLive() {
		return "live"
	}
	return "catching up"
}

func carries(filters []*postriderv1.NamedFilter) string {
	texts := make([]string, len(filters))
	for i, filter := range filters {
		text := firstOf(strings.Join(filter.GetTypes(), ","), "*")
		if filter.GetExpression() != "" {
			text += " if " + filter.GetExpression()
		}
		texts[i] = text
	}
	return strings.Join(texts, "; ")
}

func disconnectStream(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disconnect ID",
		Short: "Disconnect a live stream and tell its client not to reconnect by itself",
		Args:  oneArgument("give the ID of a stream"),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		_, err = c.streams.DisconnectStream(cmd.Context(), connect.NewRequest(
			&postriderv1.DisconnectStreamRequest{Tenant: c.tenant, Id: args[0]}))
		if err != nil {
			return err
		}
		err = say(env.stdout, "%s is disconnected\n", args[0])
		return err
	}
	return cmd
}
