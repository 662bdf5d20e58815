package client

import (
	"context"
	"iter"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// changeTimeout limits a call that changes something. A test of a subscription waits for its endpoint, at most two minutes.
const changeTimeout = 3 * time.Minute

// Subscriptions manages the durable subscriptions of a tenant, which deliver events to webhooks and other targets. The key needs
// the permission to manage them. An id may be the subscription's id or its name.
//
// Get and List retry as Publish does. Calls that change something are made once: when connect.CodeOf returns unavailable or
// deadline_exceeded, it is unknown whether the change was made.
type Subscriptions struct {
	client  *Client
	service postriderv1connect.SubscriptionServiceClient
}

// Subscriptions returns the subscriptions of the client's tenant.
func (c *Client) Subscriptions() *Subscriptions {
	return &Subscriptions{client: c, service: c.subscriptions}
}

// Create stores a subscription and starts delivering. The response has its id. If the name is taken, connect.CodeOf returns
// already_exists.
func (s *Subscriptions) Create(ctx context.Context, subscription *postriderv1.Subscription) (*postriderv1.Subscription, error) {
	request := &postriderv1.CreateSubscriptionRequest{Tenant: s.client.tenant, Subscription: subscription}
	response, err := change(ctx, s.client, s.service.CreateSubscription, request)
	return response.GetSubscription(), err
}

// Get returns a subscription with its health.
func (s *Subscriptions) Get(ctx context.Context, id string) (*postriderv1.Subscription, error) {
	request := &postriderv1.GetSubscriptionRequest{Tenant: s.client.tenant, Id: id}
	response, err := read(ctx, s.client, s.service.GetSubscription, request)
	return response.GetSubscription(), err
}

// List returns all subscriptions with their health, by name. It loads them page by page; an error is the last value.
func (s *Subscriptions) List(ctx context.Context) iter.Seq2[*postriderv1.Subscription, error] {
	return func(yield func(*postriderv1.Subscription, error) bool) {
		request := &postriderv1.ListSubscriptionsRequest{Tenant: s.client.tenant}
		for {
			response, err := read(ctx, s.client, s.service.ListSubscriptions, request)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, subscription := range response.GetSubscriptions() {
				if !yield(subscription, nil) {
					return
				}
			}
			if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
				return
			}
		}
	}
}

// Update changes the subscription with this id: the fields that paths name, such as "filter.types", or without paths the fields
// that are set. If subscription.Revision is not 0, it has to be the current one; otherwise connect.CodeOf returns aborted.
func (s *Subscriptions) Update(ctx context.Context, subscription *postriderv1.Subscription, paths ...string) (*postriderv1.Subscription, error) {
	request := &postriderv1.UpdateSubscriptionRequest{Tenant: s.client.tenant, Subscription: subscription}
	if len(paths) > 0 {
		request.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
	}
	response, err := change(ctx, s.client, s.service.UpdateSubscription, request)
	return response.GetSubscription(), err
}

// Delete stops delivering and deletes the subscription with its deliveries.
func (s *Subscriptions) Delete(ctx context.Context, id string) error {
	_, err := change(ctx, s.client, s.service.DeleteSubscription, &postriderv1.DeleteSubscriptionRequest{Tenant: s.client.tenant, Id: id})
	return err
}

// Pause stops delivering. The subscription keeps its position and misses nothing.
func (s *Subscriptions) Pause(ctx context.Context, id string) (*postriderv1.Subscription, error) {
	response, err := change(ctx, s.client, s.service.PauseSubscription, &postriderv1.PauseSubscriptionRequest{Tenant: s.client.tenant, Id: id})
	return response.GetSubscription(), err
}

// Resume continues a paused or disabled subscription where it stopped.
func (s *Subscriptions) Resume(ctx context.Context, id string) (*postriderv1.Subscription, error) {
	response, err := change(ctx, s.client, s.service.ResumeSubscription, &postriderv1.ResumeSubscriptionRequest{Tenant: s.client.tenant, Id: id})
	return response.GetSubscription(), err
}

// Test sends a test event now, which is not stored, and returns the attempt. A refusal by the endpoint is in the attempt's
// outcome; it is not an error.
func (s *Subscriptions) Test(ctx context.Context, id string) (*postriderv1.Attempt, error) {
	response, err := change(ctx, s.client, s.service.TestSubscription, &postriderv1.TestSubscriptionRequest{Tenant: s.client.tenant, Id: id})
	return response.GetAttempt(), err
}

// RevealSecret returns the signing secret, for webhook.NewHandler.
func (s *Subscriptions) RevealSecret(ctx context.Context, id string) (string, error) {
	request := &postriderv1.RevealSubscriptionSecretRequest{Tenant: s.client.tenant, Id: id}
	response, err := change(ctx, s.client, s.service.RevealSubscriptionSecret, request)
	return response.GetSecret(), err
}

type method[Request, Response any] func(context.Context, *connect.Request[Request]) (*connect.Response[Response], error)

// read calls a method without side effects, and repeats it.
func read[Request, Response any](ctx context.Context, c *Client, call method[Request, Response], message *Request) (*Response, error) {
	return retry(ctx, c, func(ctx context.Context) (*Response, error) { return send(ctx, c, call, message) })
}

// change calls a method that changes something. It repeats the call only with another key, because a refused key changed nothing.
func change[Request, Response any](ctx context.Context, c *Client, call method[Request, Response], message *Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		response, err := send(ctx, c, call, message)
		if err == nil || !c.mayRenew(err, attempt) || sleep(ctx, publishBackoff.pause(attempt, err)) != nil {
			return response, err
		}
	}
}

func send[Request, Response any](ctx context.Context, c *Client, call method[Request, Response], message *Request) (*Response, error) {
	request, err := newRequest(ctx, c, message)
	if err != nil {
		return nil, err
	}
	response, err := call(ctx, request)
	if err != nil {
		return nil, err
	}
	return response.Msg, nil
}
