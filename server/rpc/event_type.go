package rpc

import (
	"context"
	"errors"
	"maps"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/register"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

// eventTypeService manages event types and their schemas.
type eventTypeService struct {
	tenants
	registrar *register.Registrar
	schemas   *schema.Registry
	filters   *filter.Compiler
	publisher *publish.Publisher
}

func (s *eventTypeService) RegisterEventTypes(
	ctx context.Context, request *connect.Request[postriderv1.RegisterEventTypesRequest],
) (*connect.Response[postriderv1.RegisterEventTypesResponse], error) {
	set := request.Msg.GetDescriptorSet()
	if len(request.Msg.GetFiles()) > 0 {
		var err error
		if set, err = compile.Compile(ctx, wire.NewSources(request.Msg.GetFiles())); err != nil {
			return nil, err
		}
	}
	types, err := compile.Select(set, wire.NewSelection(request.Msg))
	if err != nil {
		return nil, err
	}
	report, err := s.registrar.Register(ctx, register.Request{
		Types: types, Level: wire.NewTypeLevel(request.Msg.GetLevel()),
		UnknownFields: wire.NewUnknownFields(request.Msg.GetUnknownFields()),
		AllowBreaking: request.Msg.GetAllowBreaking(), DryRun: request.Msg.GetDryRun(),
	})
	var refused *register.RefusedError
	if errors.As(err, &refused) {
		return nil, wire.RefusedSchema(refused.Cause, refused.Report)
	}
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.RegisterEventTypesResponse{Report: wire.SchemaReport(report)}), nil
}

func (s *eventTypeService) ListEventTypes(
	ctx context.Context, request *connect.Request[postriderv1.ListEventTypesRequest],
) (*connect.Response[postriderv1.ListEventTypesResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	place, _, err := wire.PagePlace(request.Msg, tenant.Name)
	if err != nil {
		return nil, err
	}
	parts, err := s.parts(ctx, tenant)
	if err != nil {
		return nil, err
	}
	registry := s.store.Registry()
	names, size := registry.Names(place.Name), wire.PageSize(request.Msg)
	response := &postriderv1.ListEventTypesResponse{}
	if len(names) > size {
		names = names[:size]
		response.NextPageToken = wire.NextPageToken(request.Msg, tenant.Name, wire.Place{Name: names[size-1]})
	}
	for _, name := range names {
		one := wire.EventType(&registry.Types[name].EventType, tenant.ID)
		one.PartOf = parts[name]
		response.EventTypes = append(response.EventTypes, one)
	}
	return connect.NewResponse(response), nil
}

// parts returns the types that are parts of events for a tenant: a message that the tenant has published is an event.
func (s *eventTypeService) parts(ctx context.Context, tenant *gateway.Tenant) (map[string][]string, error) {
	publish.LoadSchemas(s.store, s.schemas)
	parts := s.schemas.Snapshot().Parts()
	if len(parts) == 0 {
		return nil, nil
	}
	published, err := s.store.PublishedTypes(ctx, tenant.ID)
	if err != nil {
		return nil, err
	}
	parts = maps.Clone(parts)
	maps.DeleteFunc(parts, func(name string, _ []string) bool { return published[name] })
	return parts, nil
}

func (s *eventTypeService) GetEventType(
	ctx context.Context, request *connect.Request[postriderv1.GetEventTypeRequest],
) (*connect.Response[postriderv1.GetEventTypeResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	kind, version, err := s.version("version", request.Msg.GetName(), request.Msg.GetVersion())
	if err != nil {
		return nil, err
	}
	documentation, err := version.Documentation()
	if err != nil {
		return nil, err
	}
	parts, err := s.parts(ctx, tenant)
	if err != nil {
		return nil, err
	}
	response := &postriderv1.GetEventTypeResponse{
		EventType:     wire.EventType(&kind.EventType, tenant.ID),
		Documentation: wire.TypeDocumentation(version.Version(), documentation),
	}
	response.EventType.PartOf = parts[kind.Name]
	for i := len(kind.Versions) - 1; i >= 0; i-- {
		v := kind.Versions[i]
		response.Versions = append(response.Versions, wire.EventTypeVersion(kind.Name, v.Version, v.Message, v.CreateTime))
	}
	if response.Subscribers, err = s.subscribers(ctx, tenant, kind); err != nil {
		return nil, err
	}
	if response.Traffic, err = s.traffic(ctx, tenant, kind.Name); err != nil {
		return nil, err
	}
	return connect.NewResponse(response), nil
}

// version returns a type and one of its versions, the latest for 0. field names the version in the request.
func (s *eventTypeService) version(field, name string, number int32) (*store.RegisteredType, *schema.Type, error) {
	kind, err := s.store.EventType(name)
	if err != nil {
		return nil, nil, err
	}
	if number == 0 {
		number = int32(kind.LatestVersion)
	}
	if number < 1 || int(number) > len(kind.Versions) {
		fault := gateway.FieldError(field, "event type %q has no version %d; the latest is %d", name, number, kind.LatestVersion)
		fault.Code, fault.Reason = gateway.CodeNotFound, gateway.ReasonNotFound
		return nil, nil, fault
	}
	// The store has what was committed; the registry is updated right after.
	publish.LoadSchemas(s.store, s.schemas)
	version, err := s.schemas.Version(kind.Versions[number-1].ID)
	return kind, version, err
}

// subscribers returns the tenant's subscriptions that select a type.
func (s *eventTypeService) subscribers(
	ctx context.Context, tenant *gateway.Tenant, kind *store.RegisteredType,
) ([]*postriderv1.Subscriber, error) {
	latest, err := s.schemas.Version(kind.Latest().ID)
	if err != nil {
		return nil, err
	}
	var found []*postriderv1.Subscriber
	for after := ""; ; {
		subs, err := s.store.ListSubscriptions(ctx, tenant.ID, after, subscriberPage)
		if err != nil {
			return nil, err
		}
		for _, sub := range subs {
			if after = sub.Name; !sub.Filter.Match(kind.Name) {
				continue
			}
			one := &postriderv1.Subscriber{Id: sub.UID, Name: sub.Name}
			problems, err := s.filters.CheckType(ctx, tenant.ID, sub.Filter.Expression, latest)
			if err != nil {
				return nil, err
			}
			if len(problems) > 0 {
				one.FilterError = problems[0].String()
			}
			found = append(found, one)
		}
		if len(subs) < subscriberPage {
			return found, nil
		}
	}
}

// subscriberPage is how many subscriptions are read at once.
const subscriberPage = 1000

func (s *eventTypeService) traffic(
	ctx context.Context, tenant *gateway.Tenant, name string,
) (*postriderv1.TypeTraffic, error) {
	events, last, err := s.store.Traffic(ctx, tenant.ID, name, time.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	counts := s.publisher.Counts(tenant.ID, name)
	traffic := wire.TypeTraffic(events, last)
	traffic.Warned, traffic.Refused = counts.Warned, counts.Refused
	traffic.Ignored, traffic.IgnoredFields = counts.Ignored, counts.IgnoredFields
	return traffic, nil
}

func (s *eventTypeService) DiffEventType(
	_ context.Context, request *connect.Request[postriderv1.DiffEventTypeRequest],
) (*connect.Response[postriderv1.DiffEventTypeResponse], error) {
	name, from := request.Msg.GetName(), request.Msg.GetFromVersion()
	_, after, err := s.version("to_version", name, request.Msg.GetToVersion())
	if err != nil {
		return nil, err
	}
	if from == 0 {
		if from = int32(after.Version()) - 1; from == 0 {
			return nil, gateway.FieldError("to_version", "is 1, the first version: there is none before it to compare with")
		}
	}
	_, before, err := s.version("from_version", name, from)
	if err != nil {
		return nil, err
	}
	difference, err := compat.Compare(before, after)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.DiffEventTypeResponse{
		FromVersion: int32(before.Version()), ToVersion: int32(after.Version()),
		Changes:           wire.SchemaChanges(difference.Changes),
		Incompatibilities: wire.Incompatibilities(difference.Incompatibilities),
	}), nil
}

func (s *eventTypeService) UpdateEventType(
	ctx context.Context, request *connect.Request[postriderv1.UpdateEventTypeRequest],
) (*connect.Response[postriderv1.UpdateEventTypeResponse], error) {
	// Without a tenant it is the type that changes, for everybody; a tenant's admin names the tenant or is refused.
	named := request.Msg.GetTenant() != ""
	if !named && !access.Of(ctx).ServerScoped() {
		return nil, gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"a key that is confined to a tenant changes that tenant's level alone: name the tenant")
	}
	update, err := wire.NewEventTypeUpdate(request.Msg, named)
	if err != nil {
		return nil, err
	}
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	asked := request.Msg.GetEventType()
	updated, err := s.store.UpdateEventType(ctx, asked.GetName(), asked.GetRevision(), func(to *gateway.EventType) error {
		update.Apply(to, tenant.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	publish.LoadSchemas(s.store, s.schemas)
	return connect.NewResponse(&postriderv1.UpdateEventTypeResponse{EventType: wire.EventType(&updated.EventType, tenant.ID)}), nil
}

func (s *eventTypeService) DeleteEventType(
	ctx context.Context, request *connect.Request[postriderv1.DeleteEventTypeRequest],
) (*connect.Response[postriderv1.DeleteEventTypeResponse], error) {
	if err := s.store.DeleteEventType(ctx, request.Msg.GetName(), request.Msg.GetRevision()); err != nil {
		return nil, err
	}
	publish.LoadSchemas(s.store, s.schemas)
	return connect.NewResponse(&postriderv1.DeleteEventTypeResponse{}), nil
}

func (s *eventTypeService) GetSchemas(
	_ context.Context, request *connect.Request[postriderv1.GetSchemasRequest],
) (*connect.Response[postriderv1.GetSchemasResponse], error) {
	selected, err := s.selected(request.Msg)
	if err != nil {
		return nil, err
	}
	set, merged, left, err := schema.Merge(selected)
	if err != nil {
		return nil, err
	}
	response := &postriderv1.GetSchemasResponse{DescriptorSet: set}
	for _, one := range merged {
		response.Types = append(response.Types, &postriderv1.TypeMessage{
			Type: one.Name(), Message: one.Message(), Version: int32(one.Version()),
		})
	}
	for _, one := range left {
		response.LeftOut = append(response.LeftOut, &postriderv1.TypeLeftOut{
			Type: one.Type.Name(), Version: int32(one.Type.Version()), Reason: one.Reason,
		})
	}
	if request.Msg.GetSources() {
		sources, err := compile.Sources(set)
		if err != nil {
			return nil, err
		}
		response.Files = wire.SourceFiles(sources)
	}
	return connect.NewResponse(response), nil
}

// selected returns the versions that a request asks for. An exact name that is not registered is not found.
func (s *eventTypeService) selected(request *postriderv1.GetSchemasRequest) ([]*schema.Type, error) {
	asked, err := wire.NewFilter("types", request.GetTypes())
	if err != nil {
		return nil, err
	}
	exact := len(asked.Types) == 1 && gateway.ValidType(asked.Types[0])
	if request.GetVersion() != 0 && !exact {
		return nil, gateway.FieldError("version", "requires exactly one exact type")
	}
	if exact {
		_, version, err := s.version("version", asked.Types[0], request.GetVersion())
		return []*schema.Type{version}, err
	}
	publish.LoadSchemas(s.store, s.schemas)
	var selected []*schema.Type
	for one := range s.schemas.Snapshot().Types() {
		if asked.Match(one.Name()) {
			selected = append(selected, one)
		}
	}
	return selected, nil
}
