package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// status is what "postrider status" shows of a server, and of the subscriptions of one tenant.
type status struct {
	Server      string   `json:"server"`
	ServerFrom  string   `json:"serverFrom"`
	Version     string   `json:"version"`
	Ready       bool     `json:"ready"`
	Key         string   `json:"key"`
	KeyFrom     string   `json:"keyFrom"`
	Tenant      string   `json:"tenant,omitempty"`
	Permissions []string `json:"permissions"`
	// Subscriptions is absent if the key may not read them.
	Subscriptions *subscriptionCounts `json:"subscriptions,omitempty"`
}

// subscriptionCounts counts subscriptions by what keeps them from delivering. One that fails while it is held or paused counts as that.
type subscriptionCounts struct {
	Total    int   `json:"total"`
	Failing  int   `json:"failing"`
	Held     int   `json:"held"`
	Paused   int   `json:"paused"`
	Disabled int   `json:"disabled"`
	Backlog  int64 `json:"backlog"`
	Retrying int64 `json:"retrying"`
	Dead     int64 `json:"dead"`
}

func statusCommand(env environment, to *connection) *cobra.Command {
	var shown format
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the server, the key, and how the subscriptions are",
		Long: `Show which server and key are used and where they came from, whether the server can serve, and how the subscriptions are.

The exit code is 0 if the server can serve, 1 if it cannot, and 4 if it cannot be reached or does not accept the key.`,
		Example: `  postrider status
  postrider status --server https://events.example.com`,
		Args: noArguments,
	}
	to.addFlags(cmd)
	shown.addOne(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := to.find()
		if err != nil {
			return err
		}
		s, notReady, err := readStatus(cmd, p)
		if err != nil {
			return err
		}
		if shown.forPrograms() {
			err = json.NewEncoder(env.stdout).Encode(s)
		} else {
			err = s.print(env.stdout)
		}
		if err == nil {
			err = notReady
		}
		return err
	}
	return cmd
}

// readStatus asks the server. notReady says why it cannot serve, if it cannot.
func readStatus(cmd *cobra.Command, p place) (s status, notReady, err error) {
	ctx, c := cmd.Context(), newClient(p)
	response, err := c.sessions.GetSession(ctx, connect.NewRequest(&postriderv1.GetSessionRequest{}))
	if err != nil {
		return s, nil, err
	}
	session := response.Msg.GetSession()
	s = status{
		Server: p.server, ServerFrom: p.serverFrom, Version: session.GetServerVersion(),
		Key: session.GetKeyName(), KeyFrom: p.keyFrom, Tenant: firstOf(p.tenant, session.GetTenant()), Permissions: []string{},
	}
	for _, scope := range session.GetScopes() {
		s.Permissions = append(s.Permissions, strings.ToLower(strings.TrimPrefix(scope.String(), "API_KEY_SCOPE_")))
	}
	notReady = askReady(ctx, p)
	s.Ready = notReady == nil
	if s.Subscriptions, err = countSubscriptions(cmd, c); connect.CodeOf(err) == connect.CodePermissionDenied {
		err = nil
	}
	return s, notReady, err
}

func countSubscriptions(cmd *cobra.Command, c *client) (*subscriptionCounts, error) {
	var counts subscriptionCounts
	for page, err := range c.listSubscriptions(cmd.Context(), &postriderv1.ListSubscriptionsRequest{Tenant: c.tenant}) {
		if err != nil {
			return nil, err
		}
		for _, sub := range page {
			counts.add(sub)
		}
	}
	return &counts, nil
}

func (c *subscriptionCounts) add(sub *postriderv1.Subscription) {
	health := sub.GetHealth()
	c.Total++
	c.Backlog += health.GetBacklog()
	c.Retrying += health.GetRetrying()
	c.Dead += health.GetDead()
	switch {
	case sub.GetState() == postriderv1.SubscriptionState_SUBSCRIPTION_STATE_PAUSED:
		c.Paused++
	case sub.GetState() == postriderv1.SubscriptionState_SUBSCRIPTION_STATE_DISABLED:
		c.Disabled++
	case health.GetHold() != nil:
		c.Held++
	case health.GetFailingSinceTime() != nil || health.GetBreaker() == postriderv1.BreakerState_BREAKER_STATE_OPEN:
		c.Failing++
	}
}

func (s status) print(w io.Writer) error {
	ready := "yes"
	if !s.Ready {
		ready = "no"
	}
	var subscriptions, events string
	if counts := s.Subscriptions; counts != nil {
		subscriptions = fmt.Sprintf("%d: %d failing, %d held, %d paused, %d disabled", counts.Total, counts.Failing, counts.Held, counts.Paused, counts.Disabled)
		events = fmt.Sprintf("%d waiting, %d retrying, %d dead", counts.Backlog, counts.Retrying, counts.Dead)
	}
	return details(w,
		[2]string{"Server", s.Server + " (" + s.ServerFrom + ")"},
		[2]string{"Version", s.Version},
		[2]string{"Ready", ready},
		[2]string{"Key", s.Key + " (from " + s.KeyFrom + "): " + strings.Join(s.Permissions, ", ")},
		[2]string{"Tenant", s.Tenant},
		[2]string{"Subscriptions", subscriptions},
		[2]string{"Deliveries", events},
	)
}
