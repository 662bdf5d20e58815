package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

func deliveriesCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliveries",
		Short: "Show deliveries and their attempts, and retry them",
		Example: `  postrider deliveries list --subscription billing --state dead
  postrider deliveries list --event evt_06h2jds74l0mqo5ntd7earo5ug
  postrider deliveries get dlv_00000000000020000000000004000000
  postrider deliveries list --state dead --limit 0 --ndjson | jq -r .id | xargs postrider deliveries retry`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(listDeliveries(env, to), getDelivery(env, to), retryDeliveries(env, to))
	return cmd
}

func listDeliveries(env environment, to *connection) *cobra.Command {
	var request postriderv1.ListDeliveriesRequest
	var states []string
	var limit int
	var shown format
	cmd := &cobra.Command{Use: "list", Short: "List the newest deliveries", Args: noArguments}
	flags := cmd.Flags()
	flags.Var(placeholder(&request.Subscription, "NAME|ID"), "subscription", "only deliveries of this subscription")
	flags.Var(placeholder(&request.EventId, "ID"), "event", "only deliveries of this event")
	flags.StringSliceVar(&states, "state", nil, "only deliveries in these states: pending, retrying, delivered, dead")
	named(flags, "state", "STATE,...")
	addLimit(cmd, &limit)
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if request.States, err = deliveryStates(states); err != nil {
			return usageError{cmd, err}
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		request.Tenant = c.tenant
		list := newest(limit, func(size int32, token string) ([]*postriderv1.Delivery, string, error) {
			request.PageSize, request.PageToken = size, token
			response, err := c.deliveries.ListDeliveries(cmd.Context(), connect.NewRequest(&request))
			if err != nil {
				return nil, "", err
			}
			return response.Msg.GetDeliveries(), response.Msg.GetNextPageToken(), nil
		})
		return printList(env.stdout, shown, deliveryListing, list)
	}
	return cmd
}

const deliveryStatePrefix = "DELIVERY_STATE_"

// deliveryStateNames are the states that a list can be narrowed to.
func deliveryStateNames() []string { return []string{"pending", "retrying", "delivered", "dead"} }

func deliveryStates(names []string) (states []postriderv1.DeliveryState, err error) {
	for _, name := range names {
		state := postriderv1.DeliveryState_value[deliveryStatePrefix+strings.ToUpper(name)]
		if state == 0 {
			return nil, wrongUsage("--state: %q is not pending, retrying, delivered or dead", name)
		}
		states = append(states, postriderv1.DeliveryState(state))
	}
	return states, nil
}

var deliveryListing = listing[*postriderv1.Delivery]{
	head: "UPDATED\tSTATE\tATTEMPTS\tSUBSCRIPTION\tTYPE\tEVENT\tID",
	row: func(d *postriderv1.Delivery) []any {
		return []any{
			local(d.GetUpdateTime()), lower(d.GetState().String(), deliveryStatePrefix), d.GetAttemptCount(), d.GetSubscriptionName(),
			d.GetEventType(), d.GetEventId(), d.GetId(),
		}
	},
	json: messageLine[*postriderv1.Delivery],
}

func local(at *timestamppb.Timestamp) string { return at.AsTime().Local().Format(time.DateTime) }

func getDelivery(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{
		Use: "get ID", Aliases: []string{"show"}, Short: "Show the attempts of a delivery, with requests and responses",
		Args: oneArgument("give the ID of a delivery"),
	}
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.deliveries.GetDelivery(cmd.Context(), connect.NewRequest(
			&postriderv1.GetDeliveryRequest{Tenant: c.tenant, Id: args[0]}))
		if err != nil {
			return err
		}
		if shown.forPrograms() {
			return printMessage(env.stdout, response.Msg)
		}
		if err := deliveryListing.table(env.stdout, []*postriderv1.Delivery{response.Msg.GetDelivery()}); err != nil {
			return err
		}
		if err := printNext(env.stdout, response.Msg.GetDelivery()); err != nil {
			return err
		}
		return printAttempts(env.stdout, response.Msg)
	}
	return cmd
}

func retryDeliveries(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use: "retry ID...", Short: "Retry deliveries as soon as possible; dead ones get a new retry schedule",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{cmd, errors.New("give the IDs of deliveries")}
			}
			return nil
		},
	}
	var shown format
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		retried := func(yield func([]*postriderv1.Delivery, error) bool) {
			for _, id := range args {
				one, err := c.retry(cmd.Context(), id)
				if !yield([]*postriderv1.Delivery{one}, err) {
					return
				}
			}
		}
		if shown.forPrograms() {
			return printList(env.stdout, shown, deliveryListing, retried)
		}
		for one, err := range retried {
			if err != nil {
				return err
			}
			if err := say(env.stdout, "%s will be retried as soon as possible\n", one[0].GetId()); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func (c *client) retry(ctx context.Context, id string) (*postriderv1.Delivery, error) {
	response, err := c.deliveries.RetryDelivery(ctx, connect.NewRequest(&postriderv1.RetryDeliveryRequest{Tenant: c.tenant, Id: id}))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return response.Msg.GetDelivery(), nil
}

// printNext prints what a delivery that failed waits for. Without a time, or once it is due, that is its subscription, which is paused,
// disabled or held.
func printNext(w io.Writer, d *postriderv1.Delivery) error {
	switch {
	case d.GetState() != postriderv1.DeliveryState_DELIVERY_STATE_RETRYING:
		return nil
	case d.GetNextAttemptTime().AsTime().After(time.Now()):
		return say(w, "next attempt %s\n", local(d.GetNextAttemptTime()))
	default:
		return say(w, "next attempt when the subscription continues: postrider subscriptions get %s\n", d.GetSubscriptionId())
	}
}

// printAttempts prints the newest first, as the body is shown with the newest that sent it.
func printAttempts(w io.Writer, response *postriderv1.GetDeliveryResponse) error {
	for _, attempt := range slices.Backward(response.GetAttempts()) {
		if err := say(w, "\n#%d %s (%s) ", attempt.GetNumber(), local(attempt.GetStartTime()),
			lower(attempt.GetCause().String(), "ATTEMPT_CAUSE_")); err != nil {
			return err
		}
		if err := printAttempt(w, attempt); err != nil {
			return err
		}
		if err := printRequest(w, attempt.GetRequest()); err != nil {
			return err
		}
		if err := printAnswer(w, attempt.GetResponse()); err != nil {
			return err
		}
	}
	if left := response.GetAttemptsLeftOut(); left > 0 {
		return say(w, "\n%d attempts after the first 10 are not kept\n", left)
	}
	return nil
}

func printAnswer(w io.Writer, response *postriderv1.AttemptResponse) error {
	switch body := response.GetBody(); {
	case body == "" && response.GetBodyTruncated():
		return say(w, "  response: cut off before its body\n")
	case body == "":
		return nil
	case response.GetBodyTruncated():
		return say(w, "  response (first part): %s\n", body)
	default:
		return say(w, "  response: %s\n", body)
	}
}

func printRequest(w io.Writer, request *postriderv1.AttemptRequest) error {
	if request == nil {
		return say(w, "  the request was not recorded\n")
	}
	if err := say(w, "  %s %s\n", request.GetMethod(), request.GetUrl()); err != nil {
		return err
	}
	for _, header := range request.GetHeaders() {
		if err := say(w, "  %s: %s\n", header.GetName(), header.GetValue()); err != nil {
			return err
		}
	}
	return say(w, "  %s\n", bodyText(request))
}

// bodyText is the body, or why it is not there.
func bodyText(request *postriderv1.AttemptRequest) string {
	switch request.GetBodyState() {
	case postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_SHOWN:
		return request.GetBody()
	case postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_REPEATED:
		return fmt.Sprintf("(the same body of %d bytes as above)", request.GetBodyBytes())
	case postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_NOT_SENT:
		return "(nothing was sent: there was no connection)"
	case postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_GONE:
		return fmt.Sprintf("(a body of %d bytes; the event is gone)", request.GetBodyBytes())
	default:
		return fmt.Sprintf("(a body of %d bytes; the event gives another one now)", request.GetBodyBytes())
	}
}
