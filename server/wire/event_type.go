package wire

import (
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/describe"
)

var shownLevels = map[gateway.Level]postriderv1.EnforcementLevel{
	gateway.LevelOff:     postriderv1.EnforcementLevel_ENFORCEMENT_LEVEL_OFF,
	gateway.LevelWarn:    postriderv1.EnforcementLevel_ENFORCEMENT_LEVEL_WARN,
	gateway.LevelEnforce: postriderv1.EnforcementLevel_ENFORCEMENT_LEVEL_ENFORCE,
}

// newLevel converts a level; ok is false if it is unspecified.
func newLevel(from postriderv1.EnforcementLevel) (level gateway.Level, ok bool) {
	for level, shown := range shownLevels {
		if shown == from {
			return level, true
		}
	}
	return gateway.LevelEnforce, false
}

// NewTypeLevel converts the level of types that are registered; unspecified means enforce.
func NewTypeLevel(from postriderv1.EnforcementLevel) gateway.Level {
	level, _ := newLevel(from)
	return level
}

var shownUnknown = map[gateway.UnknownFields]postriderv1.UnknownFields{
	gateway.RefuseUnknown: postriderv1.UnknownFields_UNKNOWN_FIELDS_REFUSE,
	gateway.IgnoreUnknown: postriderv1.UnknownFields_UNKNOWN_FIELDS_IGNORE,
}

// NewUnknownFields converts the handling of unknown fields; unspecified means refuse.
func NewUnknownFields(from postriderv1.UnknownFields) gateway.UnknownFields {
	if from == postriderv1.UnknownFields_UNKNOWN_FIELDS_IGNORE {
		return gateway.IgnoreUnknown
	}
	return gateway.RefuseUnknown
}

// EventType converts an event type as it applies to a tenant.
func EventType(kind *gateway.EventType, tenant gateway.TenantID) *postriderv1.EventType {
	return &postriderv1.EventType{
		Name: kind.Name, Level: shownLevels[kind.LevelOf(tenant)], DefaultLevel: shownLevels[kind.Level],
		UnknownFields: shownUnknown[kind.UnknownFields],
		Deprecated:    kind.Deprecated, DeprecationNote: kind.DeprecationNote,
		Description: kind.Description, Message: kind.Message, LatestVersion: int32(kind.LatestVersion),
		Revision: kind.Revision, CreateTime: timestamp(kind.CreateTime), UpdateTime: timestamp(kind.UpdateTime),
	}
}

// EventTypeVersion converts a version of a type.
func EventTypeVersion(eventType string, version int, message string, created time.Time) *postriderv1.EventTypeVersion {
	return &postriderv1.EventTypeVersion{
		Version: int32(version), Message: message, CreateTime: timestamp(created),
		JsonSchemaPath: SchemaPath(eventType, version),
	}
}

// NewSources converts the .proto sources of a request.
func NewSources(from []*postriderv1.SourceFile) []compile.Source {
	sources := make([]compile.Source, len(from))
	for i, file := range from {
		sources[i] = compile.Source{Path: file.GetPath(), Content: file.GetContent()}
	}
	return sources
}

// SourceFiles converts .proto sources to messages.
func SourceFiles(sources []compile.Source) []*postriderv1.SourceFile {
	return shownList(sources, func(s compile.Source) *postriderv1.SourceFile {
		return &postriderv1.SourceFile{Path: s.Path, Content: s.Content}
	})
}

// NewSelection converts the selection of the messages that are event types.
func NewSelection(request *postriderv1.RegisterEventTypesRequest) compile.Selection {
	selection := compile.Selection{All: request.GetAll()}
	for _, one := range request.GetMessages() {
		selection.Messages = append(selection.Messages, compile.Named{Message: one.GetMessage(), Type: one.GetType()})
	}
	return selection
}

// EventTypeUpdate is a validated update of an event type.
type EventTypeUpdate struct {
	from                             *postriderv1.EventType
	level, deprecated, note, unknown bool
	enforcement                      gateway.Level
	unspecified, ofTenant            bool
}

// NewEventTypeUpdate converts an update: the fields in the mask, or the fields that are set if there is no mask. With a
// tenant, only the level may be changed.
func NewEventTypeUpdate(request *postriderv1.UpdateEventTypeRequest, ofTenant bool) (EventTypeUpdate, error) {
	u := EventTypeUpdate{from: request.GetEventType(), ofTenant: ofTenant}
	if u.from.GetName() == "" {
		return u, gateway.FieldError("event_type.name", "is required")
	}
	u.deprecated, u.note = u.from.GetDeprecated(), u.from.GetDeprecationNote() != ""
	u.unknown = u.from.GetUnknownFields() != postriderv1.UnknownFields_UNKNOWN_FIELDS_UNSPECIFIED
	level, specified := newLevel(u.from.GetLevel())
	u.level, u.enforcement, u.unspecified = specified, level, !specified
	if request.UpdateMask != nil {
		named, err := namedFields(request.UpdateMask, "level", "deprecated", "deprecation_note", "unknown_fields")
		if err != nil {
			return u, err
		}
		u.level, u.deprecated, u.note = named["level"], named["deprecated"], named["deprecation_note"]
		u.unknown = named["unknown_fields"]
	}
	return u, u.check()
}

func (u EventTypeUpdate) check() error {
	switch {
	case u.ofTenant && (u.deprecated || u.note || u.unknown):
		return gateway.FieldError("tenant", "has a level of its own, and nothing else; leave it out to change the type")
	case !u.ofTenant && u.level && u.unspecified:
		return gateway.FieldError("event_type.level", "is required; only a tenant's own level can be taken back")
	default:
		return nil
	}
}

// Apply applies the changes. tenant is the tenant whose level changes, if the update is a tenant's.
func (u EventTypeUpdate) Apply(to *gateway.EventType, tenant gateway.TenantID) {
	switch {
	case u.level && u.ofTenant && u.unspecified:
		delete(to.TenantLevels, tenant)
	case u.level && u.ofTenant:
		to.TenantLevels[tenant] = u.enforcement
	case u.level:
		to.Level = u.enforcement
	}
	if u.deprecated {
		to.Deprecated = u.from.GetDeprecated()
	}
	if u.unknown {
		to.UnknownFields = NewUnknownFields(u.from.GetUnknownFields())
	}
	if u.note {
		to.DeprecationNote = u.from.GetDeprecationNote()
	}
}

// SchemaReport converts the result of a registration.
func SchemaReport(report compat.Report) *postriderv1.SchemaReport {
	return &postriderv1.SchemaReport{Types: shownList(report.Types, typeReport)}
}

func typeReport(r compat.TypeReport) *postriderv1.TypeReport {
	return &postriderv1.TypeReport{
		Type: r.Type, Message: r.Message, Change: postriderv1.TypeChange(r.Change), Version: int32(r.Version),
		Incompatibilities: Incompatibilities(r.Incompatibilities), Changes: SchemaChanges(r.Changes),
		Subscriptions: shownList(r.Subscriptions, func(s compat.AffectedSubscription) *postriderv1.AffectedSubscription {
			return &postriderv1.AffectedSubscription{Id: s.ID, Tenant: s.Tenant, Name: s.Name, Reason: printable(s.Reason)}
		}),
		SampledEvents: int32(r.Sampled),
	}
}

// Incompatibilities converts breaking changes.
func Incompatibilities(found []compat.Incompatibility) []*postriderv1.Incompatibility {
	return shownList(found, func(one compat.Incompatibility) *postriderv1.Incompatibility {
		shown := &postriderv1.Incompatibility{
			Element: one.Element, Rule: postriderv1.IncompatibilityRule(one.Rule), Message: printable(one.Message),
		}
		if one.File != "" {
			shown.Position = &postriderv1.SourcePosition{File: one.File, Line: int32(one.Line), Column: int32(one.Column)}
		}
		return shown
	})
}

// SchemaChanges converts the differences between two versions.
func SchemaChanges(found []compat.Change) []*postriderv1.SchemaChange {
	return shownList(found, func(one compat.Change) *postriderv1.SchemaChange {
		return &postriderv1.SchemaChange{
			Element: one.Element, Kind: postriderv1.SchemaChangeKind(one.Kind), Before: one.Before, After: one.After,
		}
	})
}

// RefusedSchema returns the error of an incompatible registration, with the report as a detail.
func RefusedSchema(e *gateway.Error, report compat.Report) *connect.Error {
	shown := connectError(e)
	addDetail(shown, SchemaReport(report))
	return shown
}

// TypeDocumentation converts the documentation of a version.
func TypeDocumentation(version int, from describe.Documentation) *postriderv1.TypeDocumentation {
	return &postriderv1.TypeDocumentation{
		Version: int32(version), Example: from.Example, Source: from.Source,
		Messages: shownList(from.Messages, messageDocumentation),
		Enums:    shownList(from.Enums, enumDocumentation),
	}
}

func messageDocumentation(from describe.MessageDocumentation) *postriderv1.MessageDocumentation {
	return &postriderv1.MessageDocumentation{
		Name: from.Name, Comment: from.Comment, Rules: from.Rules, Deprecated: from.Deprecated,
		Fields: shownList(from.Fields, func(f describe.FieldDocumentation) *postriderv1.FieldDocumentation {
			return &postriderv1.FieldDocumentation{
				Name: f.Name, JsonName: f.JSONName, Number: f.Number, Type: f.Type, Reference: f.Reference, Comment: f.Comment,
				Rules: f.Rules, Oneof: f.Oneof, Required: f.Required, Deprecated: f.Deprecated,
			}
		}),
	}
}

func enumDocumentation(from describe.EnumDocumentation) *postriderv1.EnumDocumentation {
	return &postriderv1.EnumDocumentation{
		Name: from.Name, Comment: from.Comment,
		Values: shownList(from.Values, func(v describe.EnumValueDocumentation) *postriderv1.EnumValueDocumentation {
			return &postriderv1.EnumValueDocumentation{Name: v.Name, Number: v.Number, Comment: v.Comment, Deprecated: v.Deprecated}
		}),
	}
}

// shownList converts each element of a list; nil for none.
func shownList[A, B any](list []A, show func(A) B) []B {
	if len(list) == 0 {
		return nil
	}
	shown := make([]B, len(list))
	for i, one := range list {
		shown[i] = show(one)
	}
	return shown
}

// TypeTraffic converts the usage of a type; last is zero if there are no events.
func TypeTraffic(events int64, last time.Time) *postriderv1.TypeTraffic {
	return &postriderv1.TypeTraffic{EventsLastDay: events, LastEventTime: timestamp(last)}
}
