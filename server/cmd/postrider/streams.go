package main

import (
	"context"
	"iter"
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
	var shown format
	cmd := &cobra.Command{Use: "list", Short: "List the open live streams of a tenant, oldest first", Args: noArguments}
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		return printList(env.stdout, shown, streamListing, c.listStreams(cmd.Context()))
	}
	return cmd
}

var streamListing = listing[*postriderv1.LiveStream]{
	head: "ID\tOVER\tWHO\tFROM\tOPEN FOR\tSTATE\tLAG\tSENT\tCARRIES",
	row: func(one *postriderv1.LiveStream) []any {
		return []any{
			one.GetId(), lower(one.GetTransport().String(), "TRANSPORT_"), holderOf(one), one.GetRemoteAddress(),
			time.Since(one.GetOpenTime().AsTime()).Round(time.Second), streamState(one), one.GetLag(), one.GetSent(), carries(one.GetFilters()),
		}
	},
	json: messageLine[*postriderv1.LiveStream],
}

func (c *client) listStreams(ctx context.Context) iter.Seq2[[]*postriderv1.LiveStream, error] {
	return pages(func(token string) ([]*postriderv1.LiveStream, string, error) {
		response, err := c.streams.ListStreams(ctx, connect.NewRequest(
			&postriderv1.ListStreamsRequest{Tenant: c.tenant, PageSize: pageSize, PageToken: token}))
		if err != nil {
			return nil, "", err
		}
		return response.Msg.GetStreams(), response.Msg.GetNextPageToken(), nil
	})
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
	var shown format
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.streams.DisconnectStream(cmd.Context(), connect.NewRequest(
			&postriderv1.DisconnectStreamRequest{Tenant: c.tenant, Id: args[0]}))
		if err != nil {
			return err
		}
		return shown.printOne(env.stdout, response.Msg, func() error { return say(env.stdout, "%s is disconnected\n", args[0]) })
	}
	return cmd
}
