package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

func subscriptionsCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "subscriptions",
		Short: "Manage subscriptions",
		Example: `  postrider subscriptions create billing --url https://example.com/hook --types 'order.*'
  postrider subscriptions list
  postrider subscriptions test billing
  postrider subscriptions pause billing`,
	}
	to.addFlags(cmd)
	group(cmd)
	cmd.AddCommand(
		listSubscriptions(env, to), getSubscription(env, to), createSubscription(env, to), updateSubscription(env, to),
		pauseSubscription(env, to), resumeSubscription(env, to), deleteSubscription(env, to),
		testSubscription(env, to), revealSecret(env, to),
	)
	return cmd
}

func listSubscriptions(env environment, to *connection) *cobra.Command {
	var shown format
	var all bool
	cmd := &cobra.Command{Use: "list", Short: "List subscriptions with their health", Args: noArguments}
	cmd.Flags().BoolVar(&all, "all-tenants", false, "those of every tenant that the key may see")
	shown.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		listed, request := subscriptionListing, &postriderv1.ListSubscriptionsRequest{Tenant: c.tenant}
		if all {
			listed, request = subscriptionsOfAllTenants, &postriderv1.ListSubscriptionsRequest{AllTenants: true}
		}
		return printList(env.stdout, shown, listed, c.listSubscriptions(cmd.Context(), request))
	}
	return cmd
}

var subscriptionsOfAllTenants = listing[*postriderv1.Subscription]{
	head: "TENANT\t" + subscriptionListing.head,
	row: func(sub *postriderv1.Subscription) []any {
		return append([]any{sub.GetTenant()}, subscriptionListing.row(sub)...)
	},
	json: subscriptionListing.json,
}

var subscriptionListing = listing[*postriderv1.Subscription]{
	head: "NAME\tSTATE\tTYPES\tTARGET\tBACKLOG\tRETRYING\tDEAD\tID",
	row: func(sub *postriderv1.Subscription) []any {
		health := sub.GetHealth()
		return []any{
			sub.GetName(), state(sub), typesOf(sub.GetFilter()), placeOf(sub.GetTarget()),
			health.GetBacklog(), health.GetRetrying(), health.GetDead(), sub.GetId(),
		}
	},
	json: messageLine[*postriderv1.Subscription],
}

func (c *client) listSubscriptions(
	ctx context.Context, request *postriderv1.ListSubscriptionsRequest,
) iter.Seq2[[]*postriderv1.Subscription, error] {
	return pages(func(token string) ([]*postriderv1.Subscription, string, error) {
		request.PageSize, request.PageToken = pageSize, token
		response, err := c.subscriptions.ListSubscriptions(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, "", err
		}
		return response.Msg.GetSubscriptions(), response.Msg.GetNextPageToken(), nil
	})
}

// state is what a person wants to know first: a failing endpoint comes before "active".
func state(sub *postriderv1.Subscription) string {
	switch {
	case sub.GetState() != postriderv1.SubscriptionState_SUBSCRIPTION_STATE_ACTIVE:
		return lower(sub.GetState().String(), "SUBSCRIPTION_STATE_")
	case sub.GetHealth().GetHold() != nil && sub.GetHealth().GetHold().GetUntilTime() == nil:
		return "set aside"
	case sub.GetHealth().GetBreaker() == postriderv1.BreakerState_BREAKER_STATE_HOLDING:
		return "held"
	case sub.GetHealth().GetBreaker() == postriderv1.BreakerState_BREAKER_STATE_OPEN, sub.GetHealth().GetFailingSinceTime() != nil:
		return "failing"
	default:
		return "active"
	}
}

func lower(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }

func typesOf(filter *postriderv1.Filter) string {
	if len(filter.GetTypes()) == 0 {
		return "*"
	}
	return strings.Join(filter.GetTypes(), ",")
}

func getSubscription(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{Use: "get NAME|ID", Short: "Show one subscription", Args: oneArgument("give the NAME or ID of a subscription")}
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.subscriptions.GetSubscription(cmd.Context(), connect.NewRequest(
			&postriderv1.GetSubscriptionRequest{Tenant: c.tenant, Id: args[0]}))
		if err != nil {
			return err
		}
		return shown.printSubscription(env.stdout, response.Msg.GetSubscription())
	}
	return cmd
}

// expressionUsage says what --expression takes.
const expressionUsage = "only events for which this CEL expression over event is true, such as 'event.data.total > 1000'"

// defaultsUsage says what --defaults does.
const defaultsUsage = "include fields that are not set, with their defaults (0, \"\", false, [], {})"

// payloadFormat is JSON, with defaults or without.
func payloadFormat(defaults bool) postriderv1.PayloadFormat {
	if defaults {
		return postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON_DEFAULTS
	}
	return postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON
}

// subscriptionFlags describe a new subscription.
type subscriptionFlags struct {
	target                         chosenTarget
	start, description, secretFile string
	expression                     string
	types                          []string
	retries                        []time.Duration
	concurrency                    int32
	timeout                        time.Duration
	defaults                       bool
}

func createSubscription(env environment, to *connection) *cobra.Command {
	var flags subscriptionFlags
	var shown format
	cmd := &cobra.Command{
		Use:   "create NAME --url URL",
		Short: "Create a subscription to a webhook or another target",
		Example: `  postrider subscriptions create billing --url https://example.com/hook
  postrider subscriptions create large --url https://example.com/hook --types 'order.*' --expression 'event.data.total > 1000'
  postrider subscriptions create audit --url http://127.0.0.1:9900/hook --types '*' --start earliest
  postrider subscriptions create crm --url https://example.com/hook --header 'Authorization: Bearer abc' --retry 5s,1m,1h
  postrider subscriptions create lake --target nats --nats-url tls://nats.example:4222 --nats-subject 'events.{type}' --nats-creds lake.creds`,
		Args: oneArgument("give a NAME for the new subscription"),
	}
	flags.add(cmd)
	shown.addOne(cmd)
	selective(cmd, "types", "expression")
	cmd.Flags().Var(placeholder(&flags.start, "START"), "start", `where to begin: "now", "earliest", a cursor or an RFC 3339 time`)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		sub, err := flags.content(args[0])
		if err == nil {
			sub.Target, err = flags.target.create(cmd.Flags())
		}
		if err != nil {
			return usageError{cmd, err}
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.subscriptions.CreateSubscription(cmd.Context(), connect.NewRequest(
			&postriderv1.CreateSubscriptionRequest{Tenant: c.tenant, Subscription: sub}))
		if err != nil {
			return err
		}
		c.warnOfFilter(cmd.Context(), env.stderr, response.Msg.GetSubscription().GetFilter())
		return shown.printSubscription(env.stdout, response.Msg.GetSubscription())
	}
	return cmd
}

// warnOfFilter names the event types that an accepted filter selects by its patterns and never by its expression, which
// does not compile for them. It is advice: what was asked for is done, so it fails nothing.
func (c *client) warnOfFilter(ctx context.Context, w io.Writer, filter *postriderv1.Filter) {
	if filter.GetExpression() == "" {
		return
	}
	response, err := c.subscriptions.TestFilter(ctx, connect.NewRequest(
		&postriderv1.TestFilterRequest{Tenant: c.tenant, Filter: filter, Limit: -1}))
	if err != nil {
		return
	}
	for _, problem := range response.Msg.GetProblems() {
		_ = say(w, "postrider: no event of type %s will match: expression %d:%d: %s\n",
			problem.GetType(), problem.GetLine(), problem.GetColumn(), problem.GetMessage())
	}
}

// add adds the flags that create and update share.
func (f *subscriptionFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	f.target.add(set)
	set.StringSliceVar(&f.types, "types", nil, "event types: exact, a prefix such as 'order.*', or '*'")
	named(set, "types", "TYPE,...")
	set.Var(placeholder(&f.expression, "EXPR"), "expression", expressionUsage)
	set.Var(placeholder(&f.secretFile, "FILE"), "secret-file", "file with the signing secret (whsec_…); default: generated by the server")
	set.Var(placeholder(&f.description, "TEXT"), "description", "free text for people")
	set.DurationSliceVar(&f.retries, "retry", nil, "waits between attempts, such as 5s,5m,1h; default: "+waits(gateway.DefaultRetrySchedule))
	named(set, "retry", "WAIT,...")
	set.Int32Var(&f.concurrency, "concurrency", 0, fmt.Sprintf("maximum number of concurrent attempts; 0 means %d", gateway.DefaultConcurrency))
	named(set, "concurrency", "N")
	set.DurationVar(&f.timeout, "timeout", 0, fmt.Sprintf("limit for one attempt, such as 5s; 0 means %s", gateway.DefaultTimeout))
	named(set, "timeout", "TIME")
	set.BoolVar(&f.defaults, "defaults", false, defaultsUsage)
}

// waits writes a retry schedule as --retry takes it, without zeros: 24h, not 24h0m0s.
func waits(schedule []time.Duration) string {
	texts := make([]string, len(schedule))
	for i, wait := range schedule {
		texts[i] = strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(wait.String())
	}
	return strings.Join(texts, ",")
}

// content is what the flags say of a subscription, without its target.
func (f subscriptionFlags) content(name string) (*postriderv1.Subscription, error) {
	secret, err := readSecret(f.secretFile)
	return &postriderv1.Subscription{
		Name: name, Description: f.description, Start: f.start, Secret: secret,
		Filter: &postriderv1.Filter{Types: f.types, Expression: f.expression},
		Policy: f.policy(), PayloadFormat: payloadFormat(f.defaults),
	}, err
}

func (f subscriptionFlags) policy() *postriderv1.DeliveryPolicy {
	policy := &postriderv1.DeliveryPolicy{Concurrency: f.concurrency}
	if f.timeout != 0 {
		policy.Timeout = durationpb.New(f.timeout)
	}
	for _, wait := range f.retries {
		policy.RetrySchedule = append(policy.RetrySchedule, durationpb.New(wait))
	}
	return policy
}

func pauseSubscription(env environment, to *connection) *cobra.Command {
	return &cobra.Command{
		Use: "pause NAME|ID", Short: "Pause a subscription; it keeps its position and loses nothing", Args: oneArgument("give the NAME or ID of a subscription"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			response, err := c.subscriptions.PauseSubscription(cmd.Context(), connect.NewRequest(
				&postriderv1.PauseSubscriptionRequest{Tenant: c.tenant, Id: args[0]}))
			if err != nil {
				return err
			}
			return printState(env.stdout, response.Msg.GetSubscription())
		},
	}
}

func resumeSubscription(env environment, to *connection) *cobra.Command {
	return &cobra.Command{
		Use: "resume NAME|ID", Short: "Resume a subscription where it stopped", Args: oneArgument("give the NAME or ID of a subscription"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			response, err := c.subscriptions.ResumeSubscription(cmd.Context(), connect.NewRequest(
				&postriderv1.ResumeSubscriptionRequest{Tenant: c.tenant, Id: args[0]}))
			if err != nil {
				return err
			}
			return printState(env.stdout, response.Msg.GetSubscription())
		},
	}
}

func printState(w io.Writer, sub *postriderv1.Subscription) error {
	err := say(w, "%s is %s\n", sub.GetName(), state(sub))
	return err
}

func deleteSubscription(env environment, to *connection) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME|ID", Short: "Delete a subscription and its deliveries", Args: oneArgument("give the NAME or ID of a subscription"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			_, err = c.subscriptions.DeleteSubscription(cmd.Context(), connect.NewRequest(
				&postriderv1.DeleteSubscriptionRequest{Tenant: c.tenant, Id: args[0]}))
			if err != nil {
				return err
			}
			err = say(env.stdout, "%s is deleted\n", args[0])
			return err
		},
	}
}

// errNotDelivered ends a test that the endpoint did not pass.
var errNotDelivered = errors.New("the test event was not delivered")

func testSubscription(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{
		Use: "test NAME|ID", Short: "Send a test event and show the response", Args: oneArgument("give the NAME or ID of a subscription"),
	}
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.subscriptions.TestSubscription(cmd.Context(), connect.NewRequest(
			&postriderv1.TestSubscriptionRequest{Tenant: c.tenant, Id: args[0]}))
		if err != nil {
			return err
		}
		attempt := response.Msg.GetAttempt()
		err = shown.printOne(env.stdout, attempt, func() error { return printAttempt(env.stdout, attempt) })
		if err == nil && attempt.GetOutcome() != postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_DELIVERED {
			return errNotDelivered
		}
		return err
	}
	return cmd
}

func printAttempt(w io.Writer, attempt *postriderv1.Attempt) error {
	text := lower(attempt.GetOutcome().String(), "ATTEMPT_OUTCOME_")
	if status := attempt.GetResponse().GetStatusCode(); status != 0 {
		text += fmt.Sprintf(", status %d", status)
	}
	text += ", " + attempt.GetDuration().AsDuration().Round(time.Microsecond).String()
	if attempt.GetError() != "" {
		text += ": " + attempt.GetError()
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

func revealSecret(env environment, to *connection) *cobra.Command {
	return &cobra.Command{
		Use: "secret NAME|ID", Short: "Print the signing secret", Args: oneArgument("give the NAME or ID of a subscription"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := to.open()
			if err != nil {
				return err
			}
			response, err := c.subscriptions.RevealSubscriptionSecret(cmd.Context(), connect.NewRequest(
				&postriderv1.RevealSubscriptionSecretRequest{Tenant: c.tenant, Id: args[0]}))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.stdout, response.Msg.GetSecret())
			return err
		},
	}
}

// oneArgument asks for exactly one argument; question says what for.
func oneArgument(question string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageError{cmd, errors.New(question)}
		case len(args) > 1:
			return usageError{cmd, fmt.Errorf("want one argument, got %d", len(args))}
		}
		return nil
	}
}
