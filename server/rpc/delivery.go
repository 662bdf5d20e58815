package rpc

import (
	"context"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

// deliveryService shows the delivery of each event to each subscription.
type deliveryService struct {
	tenants
	engine   *deliver.Engine
	stopping <-chan struct{}
}

func (s *deliveryService) ListDeliveries(
	ctx context.Context, request *connect.Request[postriderv1.ListDeliveriesRequest],
) (*connect.Response[postriderv1.ListDeliveriesResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	query, err := s.query(ctx, tenant, request.Msg)
	if err != nil {
		return nil, err
	}
	place, paged, err := wire.PagePlace(request.Msg, tenant.Name)
	if err != nil {
		return nil, err
	}
	if paged {
		query.Before = &gateway.DeliveryKey{Subscription: place.Subscription, Position: place.Position, Run: place.Run}
	}
	query.States = wire.NewDeliveryStates(request.Msg.GetStates())
	query.Types = request.Msg.GetTypes()
	query.Limit = wire.PageSize(request.Msg)
	found, next, err := s.store.ListDeliveries(ctx, query)
	if err != nil {
		return nil, err
	}
	response := &postriderv1.ListDeliveriesResponse{Deliveries: s.viewer(tenant).all(ctx, found)}
	if next != nil {
		response.NextPageToken = wire.NextPageToken(request.Msg, tenant.Name, wire.Place{
			Position: next.Position, Subscription: next.Subscription, Run: next.Run,
		})
	}
	return connect.NewResponse(response), nil
}

// selection is the filter of a list or a watch.
type selection interface {
	GetSubscription() string
	GetEventId() string
}

// query looks up the subscription and the event that are named.
func (s *deliveryService) query(ctx context.Context, tenant *gateway.Tenant, by selection) (store.DeliveryQuery, error) {
	query := store.DeliveryQuery{Tenant: tenant.ID}
	if ref := by.GetSubscription(); ref != "" {
		sub, err := s.store.SubscriptionByRef(ctx, tenant.ID, ref)
		if err != nil {
			return query, err
		}
		query.Subscription = sub.ID
	}
	if id := by.GetEventId(); id != "" {
		event, err := s.store.EventByID(ctx, tenant.ID, id)
		if err != nil {
			return query, err
		}
		query.Position = event.Position
	}
	return query, nil
}

func (s *deliveryService) CountDeliveries(
	ctx context.Context, request *connect.Request[postriderv1.CountDeliveriesRequest],
) (*connect.Response[postriderv1.CountDeliveriesResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	counts, err := s.store.EventDeliveries(ctx, tenant.ID, request.Msg.GetEventIds())
	if err != nil {
		return nil, err
	}
	response := &postriderv1.CountDeliveriesResponse{}
	for _, of := range counts {
		response.Events = append(response.Events, wire.EventDeliveries(of.EventID, of.ByState, of.More))
	}
	return connect.NewResponse(response), nil
}

func (s *deliveryService) GetDelivery(
	ctx context.Context, request *connect.Request[postriderv1.GetDeliveryRequest],
) (*connect.Response[postriderv1.GetDeliveryResponse], error) {
	tenant, delivery, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	place, _, err := wire.PagePlace(request.Msg, tenant.Name)
	if err != nil {
		return nil, err
	}
	size := wire.PageSize(request.Msg)
	attempts, err := s.store.Attempts(ctx, delivery, int(place.ID), size+1)
	if err != nil {
		return nil, err
	}
	response := &postriderv1.GetDeliveryResponse{
		Delivery: s.viewer(tenant).one(ctx, delivery), AttemptsLeftOut: int32(delivery.AttemptsLeftOut()),
	}
	if len(attempts) > size {
		attempts = attempts[:size]
		response.NextPageToken = wire.NextPageToken(request.Msg, tenant.Name, wire.Place{ID: int64(attempts[size-1].Number)})
	}
	response.Attempts = wire.Attempts(attempts)
	if err := s.addRequests(ctx, delivery, attempts, response.Attempts); err != nil {
		return nil, err
	}
	return connect.NewResponse(response), nil
}

// addRequests shows what each attempt sent. The body is what the event gives now, for those attempts whose digest it has.
func (s *deliveryService) addRequests(
	ctx context.Context, delivery *gateway.Delivery, attempts []gateway.Attempt, shown []*postriderv1.Attempt,
) error {
	about := wire.SentEvent{ID: delivery.EventID, Cursor: s.store.Cursor(delivery.Position).String()}
	for i, attempt := range attempts {
		shown[i].Request = wire.AttemptRequest(attempt, about)
	}
	events, err := s.store.EventsAt(ctx, []gateway.Position{delivery.Position})
	if err != nil {
		return err
	}
	event := events[delivery.Position]
	if event == nil {
		wire.AttemptBodies(shown, false)
		return nil
	}
	wire.AttemptBodies(shown, true, s.engine.Bodies(event)...)
	return nil
}

func (s *deliveryService) RetryDelivery(
	ctx context.Context, request *connect.Request[postriderv1.RetryDeliveryRequest],
) (*connect.Response[postriderv1.RetryDeliveryResponse], error) {
	tenant, found, err := s.find(ctx, request.Msg)
	if err != nil {
		return nil, err
	}
	delivery, err := s.engine.Retry(ctx, tenant.ID, found.DeliveryKey)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.RetryDeliveryResponse{Delivery: s.viewer(tenant).one(ctx, delivery)}), nil
}

// find returns the delivery that a request names.
func (s *deliveryService) find(ctx context.Context, ref subscriptionReference) (*gateway.Tenant, *gateway.Delivery, error) {
	tenant, err := s.resolve(ctx, ref.GetTenant())
	if err != nil {
		return nil, nil, err
	}
	key, err := gateway.ParseDeliveryID(ref.GetId())
	if err != nil {
		return nil, nil, gateway.FieldError("id", "is not the id of a delivery")
	}
	delivery, err := s.store.Delivery(ctx, tenant.ID, key)
	return tenant, delivery, err
}

// deliveryViewer shows deliveries of one tenant.
type deliveryViewer struct {
	engine *deliver.Engine
	store  *store.Store
	tenant string
}

func (s *deliveryService) viewer(tenant *gateway.Tenant) deliveryViewer {
	return deliveryViewer{s.engine, s.store, tenant.Name}
}

func (v deliveryViewer) one(ctx context.Context, delivery *gateway.Delivery) *postriderv1.Delivery {
	names := wire.DeliveryNames{Tenant: v.tenant, Cursor: v.store.Cursor(delivery.Position)}
	// A subscription that is being deleted has no names any more.
	if sub, err := v.engine.Subscription(ctx, delivery.Subscription); err == nil {
		names.SubscriptionUID, names.SubscriptionName = sub.UID, sub.Name
	}
	return wire.Delivery(delivery, names)
}

func (v deliveryViewer) all(ctx context.Context, deliveries []*gateway.Delivery) []*postriderv1.Delivery {
	shown := make([]*postriderv1.Delivery, len(deliveries))
	for i, delivery := range deliveries {
		shown[i] = v.one(ctx, delivery)
	}
	return shown
}
