package rpc

import (
	"bytes"
	"context"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/signature"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/wire"
)

// subscriptionService manages subscriptions. It reads from the store; changes go through the engine, which stores them.
type subscriptionService struct {
	tenants
	engine  *deliver.Engine
	targets *target.Registry
	filters *filter.Compiler
	trials  trials
}

func (s *subscriptionService) CreateSubscription(
	ctx context.Context, request *connect.Request[postriderv1.CreateSubscriptionRequest],
) (*connect.Response[postriderv1.CreateSubscriptionResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	sub, from, err := wire.NewSubscription(request.Msg.GetSubscription())
	if err != nil {
		return nil, err
	}
	sub.Tenant = tenant.ID
	if err := gateway.Together(s.checkSecret(sub), s.checkFilter(ctx, sub), s.checkTarget(ctx, sub)); err != nil {
		return nil, err
	}
	start, err := s.resolveStart(ctx, tenant, from)
	if err != nil {
		return nil, err
	}
	created, err := s.engine.Create(ctx, sub, start)
	if err != nil {
		return nil, err
	}
	shown, err := s.show(ctx, tenant, created)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.CreateSubscriptionResponse{Subscription: shown}), nil
}

// checkSecret makes the signing secret when none was given, and refuses one that cannot sign.
func (s *subscriptionService) checkSecret(sub *gateway.Subscription) error {
	if sub.Secret == "" {
		sub.Secret = signature.NewSecret().Reveal()
		return nil
	}
	if _, err := signature.ParseSecret(sub.Secret); err != nil {
		return gateway.FieldError("subscription.secret", "must be whsec_ and base64 of 24 to 64 bytes")
	}
	return nil
}

func (s *subscriptionService) checkTarget(ctx context.Context, sub *gateway.Subscription) error {
	kind, err := s.targets.Type(sub.TargetType)
	if err != nil {
		return err
	}
	return kind.Check(ctx, "subscription.target."+sub.TargetType, sub.TargetConfig)
}

// resolveStart converts a start to one that needs no further look at the log, except that now is resolved when the subscription
// is stored. A position after which events are missing is refused, because the gap would not be visible.
func (s *subscriptionService) resolveStart(ctx context.Context, tenant *gateway.Tenant, start gateway.Start) (gateway.Start, error) {
	switch start.Kind {
	case gateway.StartCursor:
		after, gap := s.store.CheckCursor(start.Cursor, tenant)
		if gap != gateway.GapNone {
			fault := gateway.FieldError("subscription.start", "events are missing after this cursor: %s", gap)
			fault.Reason = gateway.ReasonInvalidCursor
			return start, fault
		}
		return gateway.StartAfter(s.store.Cursor(after)), nil
	case gateway.StartTime:
		after, err := s.store.PositionBefore(ctx, start.Time)
		return gateway.StartAfter(s.store.Cursor(after)), err
	default:
		return start, nil
	}
}

func (s *subscriptionService) GetSubscription(
	ctx context.Context, request *connect.Request[postriderv1.GetSubscriptionRequest],
) (*connect.Response[postriderv1.GetSubscriptionResponse], error) {
	tenant, sub, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	shown, err := s.show(ctx, tenant, sub)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.GetSubscriptionResponse{Subscription: shown}), nil
}

func (s *subscriptionService) ListSubscriptions(
	ctx context.Context, request *connect.Request[postriderv1.ListSubscriptionsRequest],
) (*connect.Response[postriderv1.ListSubscriptionsResponse], error) {
	among, err := s.listed(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	place, _, err := wire.PagePlace(request.Msg, among.name)
	if err != nil {
		return nil, err
	}
	size := wire.PageSize(request.Msg)
	subs, err := among.read(ctx, place, size+1)
	if err != nil {
		return nil, err
	}
	response := &postriderv1.ListSubscriptionsResponse{}
	if len(subs) > size {
		subs = subs[:size]
		last := subs[size-1]
		response.NextPageToken = wire.NextPageToken(request.Msg, among.name, wire.Place{ID: int64(last.Tenant), Name: last.Name})
	}
	if response.Subscriptions, err = s.messages(ctx, subs); err != nil {
		return nil, err
	}
	return connect.NewResponse(response), nil
}

// listing is what a list is about. Its name binds page tokens to it.
type listing struct {
	name string
	read func(ctx context.Context, after wire.Place, limit int) ([]*gateway.Subscription, error)
}

// listed returns the list that a request is about: that of all tenants for a caller who is confined to none and asks for it, or else
// that of one tenant.
func (s *subscriptionService) listed(ctx context.Context, request *postriderv1.ListSubscriptionsRequest) (listing, error) {
	if request.GetAllTenants() && request.GetTenant() != "" {
		return listing{}, gateway.FieldError("all_tenants", "is given together with tenant")
	}
	if request.GetAllTenants() && access.Of(ctx).ServerScoped() {
		return listing{read: func(ctx context.Context, after wire.Place, limit int) ([]*gateway.Subscription, error) {
			return s.store.ListAllSubscriptions(ctx, gateway.TenantID(after.ID), after.Name, limit)
		}}, nil
	}
	tenant, err := s.resolve(ctx, request.GetTenant())
	if err != nil {
		return listing{}, err
	}
	return listing{tenant.Name, func(ctx context.Context, after wire.Place, limit int) ([]*gateway.Subscription, error) {
		return s.store.ListSubscriptions(ctx, tenant.ID, after.Name, limit)
	}}, nil
}

// messages returns the subscriptions with their health, without those that were deleted since they were read.
func (s *subscriptionService) messages(ctx context.Context, subs []*gateway.Subscription) ([]*postriderv1.Subscription, error) {
	healths, err := s.engine.Healths(ctx, subs)
	if err != nil {
		return nil, err
	}
	var all []*postriderv1.Subscription
	tenants := map[gateway.TenantID]*gateway.Tenant{}
	for _, sub := range subs {
		health, ok := healths[sub.ID]
		if !ok {
			continue
		}
		if tenants[sub.Tenant] == nil {
			if tenants[sub.Tenant], err = s.store.Tenant(ctx, sub.Tenant); err != nil {
				return nil, err
			}
		}
		shown, err := s.message(tenants[sub.Tenant], sub, &health)
		if err != nil {
			return nil, err
		}
		all = append(all, shown)
	}
	return all, nil
}

func (s *subscriptionService) UpdateSubscription(
	ctx context.Context, request *connect.Request[postriderv1.UpdateSubscriptionRequest],
) (*connect.Response[postriderv1.UpdateSubscriptionResponse], error) {
	update, err := wire.NewSubscriptionUpdate(request.Msg)
	if err != nil {
		return nil, err
	}
	tenant, sub, err := s.find(ctx, reference{request.Msg.GetTenant(), request.Msg.GetSubscription().GetId()})
	if err != nil {
		return nil, err
	}
	// The target is checked before the transaction, for that may look names up.
	if err := s.checkUpdate(ctx, update, sub); err != nil {
		return nil, err
	}
	checked, checkedFilter := sub.TargetConfig, sub.Filter
	updated, from, err := s.engine.Update(ctx, sub.ID, request.Msg.GetSubscription().GetRevision(), func(current *gateway.Subscription) error {
		if err := update.Apply(current); err != nil {
			return err
		}
		if update.Changes("target") && !bytes.Equal(current.TargetConfig, checked) {
			return gateway.Errorf(gateway.CodeAborted, gateway.ReasonRevisionMismatch,
				"the subscription's target is being changed by somebody else; read it again")
		}
		if update.Changes("filter") && !current.Filter.Equal(checkedFilter) {
			return gateway.Errorf(gateway.CodeAborted, gateway.ReasonRevisionMismatch,
				"the subscription's filter is being changed by somebody else; read it again")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.show(ctx, tenant, updated)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.UpdateSubscriptionResponse{
		Subscription: shown, Cursor: s.store.Cursor(from).String(),
	}), nil
}

// checkUpdate applies the update to sub, which is the caller's own copy, and checks the result.
func (s *subscriptionService) checkUpdate(ctx context.Context, update wire.SubscriptionUpdate, sub *gateway.Subscription) error {
	if err := update.Apply(sub); err != nil {
		return err
	}
	var faults []error
	if update.Changes("secret") {
		faults = append(faults, s.checkSecret(sub))
	}
	if update.Changes("filter") {
		faults = append(faults, s.checkFilter(ctx, sub))
	}
	if update.Changes("target") {
		faults = append(faults, s.checkTarget(ctx, sub))
	}
	return gateway.Together(faults...)
}

// checkFilter refuses an expression that compiles for none of the types that the filter selects.
func (s *subscriptionService) checkFilter(ctx context.Context, sub *gateway.Subscription) error {
	report, err := s.filters.Check(ctx, sub.Tenant, sub.Filter)
	if err != nil {
		return err
	}
	return report.Err("subscription.filter.expression")
}

func (s *subscriptionService) DeleteSubscription(
	ctx context.Context, request *connect.Request[postriderv1.DeleteSubscriptionRequest],
) (*connect.Response[postriderv1.DeleteSubscriptionResponse], error) {
	_, sub, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	if err := s.engine.Delete(ctx, sub.ID, request.Msg.GetRevision()); err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.DeleteSubscriptionResponse{}), nil
}

func (s *subscriptionService) PauseSubscription(
	ctx context.Context, request *connect.Request[postriderv1.PauseSubscriptionRequest],
) (*connect.Response[postriderv1.PauseSubscriptionResponse], error) {
	tenant, sub, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	if sub.State == gateway.SubscriptionActive {
		if sub, err = s.engine.Pause(ctx, sub.ID); err != nil {
			return nil, err
		}
	}
	shown, err := s.show(ctx, tenant, sub)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.PauseSubscriptionResponse{Subscription: shown}), nil
}

func (s *subscriptionService) ResumeSubscription(
	ctx context.Context, request *connect.Request[postriderv1.ResumeSubscriptionRequest],
) (*connect.Response[postriderv1.ResumeSubscriptionResponse], error) {
	tenant, sub, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	if sub.State != gateway.SubscriptionActive {
		if sub, err = s.engine.Resume(ctx, sub.ID); err != nil {
			return nil, err
		}
	}
	shown, err := s.show(ctx, tenant, sub)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.ResumeSubscriptionResponse{Subscription: shown}), nil
}

func (s *subscriptionService) TestSubscription(
	ctx context.Context, request *connect.Request[postriderv1.TestSubscriptionRequest],
) (*connect.Response[postriderv1.TestSubscriptionResponse], error) {
	_, sub, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	stored, err := s.testEvent(ctx, sub, request.Msg.GetEventId())
	if err != nil {
		return nil, err
	}
	result, err := s.engine.Test(ctx, sub, stored)
	if err != nil {
		return nil, err
	}
	sent := wire.SentEvent{ID: result.EventID}
	if stored != nil {
		sent.Cursor = s.store.Cursor(stored.Position).String()
	}
	attempt := wire.Attempt(result.Attempt)
	attempt.Request = wire.AttemptRequest(result.Attempt, sent)
	wire.AttemptBodies([]*postriderv1.Attempt{attempt}, true, result.Body)
	return connect.NewResponse(&postriderv1.TestSubscriptionResponse{EventId: result.EventID, Attempt: attempt}), nil
}

// testEvent returns the stored event that a test sends; nil if it names none.
func (s *subscriptionService) testEvent(ctx context.Context, sub *gateway.Subscription, id string) (*gateway.Event, error) {
	if id == "" {
		return nil, nil
	}
	event, err := s.store.EventByID(ctx, sub.Tenant, id)
	if err != nil {
		return nil, err
	}
	if !sub.Filter.Match(event.Type) {
		return nil, gateway.FieldError("event_id", "is of the type %s, which the subscription does not select", event.Type)
	}
	return event, nil
}

func (s *subscriptionService) RevealSubscriptionSecret(
	ctx context.Context, request *connect.Request[postriderv1.RevealSubscriptionSecretRequest],
) (*connect.Response[postriderv1.RevealSubscriptionSecretResponse], error) {
	_, sub, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.RevealSubscriptionSecretResponse{Secret: sub.Secret}), nil
}

// subscriptionReference names a subscription: by id or name, in a tenant.
type subscriptionReference interface {
	GetTenant() string
	GetId() string
}

type reference struct{ tenant, id string }

func (r reference) GetTenant() string { return r.tenant }
func (r reference) GetId() string     { return r.id }

func (s *subscriptionService) find(ctx context.Context, ref subscriptionReference) (*gateway.Tenant, *gateway.Subscription, error) {
	tenant, err := s.resolve(ctx, ref.GetTenant())
	if err != nil {
		return nil, nil, err
	}
	sub, err := s.store.SubscriptionByRef(ctx, tenant.ID, ref.GetId())
	return tenant, sub, err
}

func (s *subscriptionService) show(ctx context.Context, tenant *gateway.Tenant, sub *gateway.Subscription) (*postriderv1.Subscription, error) {
	health, err := s.engine.Health(ctx, sub)
	if err != nil {
		return nil, err
	}
	return s.message(tenant, sub, &health)
}

func (s *subscriptionService) message(
	tenant *gateway.Tenant, sub *gateway.Subscription, health *gateway.SubscriptionHealth,
) (*postriderv1.Subscription, error) {
	return wire.Subscription(sub, wire.SubscriptionContext{Tenant: tenant.Name, Health: health, Cursor: s.store.Cursor})
}
