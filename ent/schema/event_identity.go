package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EventIdentity remembers event ids, as long as the event and at least 24 hours.
type EventIdentity struct{ ent.Schema }

// Annotations names the table.
func (EventIdentity) Annotations() []schema.Annotation { return table("event_id") }

// Fields of an identity.
func (EventIdentity) Fields() []ent.Field {
	return []ent.Field{
		assigned("position"),
		field.Int64("tenant_id"),
		field.String("event_id").MaxLen(64),
		field.Bytes("hash").MaxLen(16).Comment("of what the client supplied and the canonical payload"),
		field.Int64("schema_id").Optional().Nillable(),
	}
}

// Indexes of identities.
func (EventIdentity) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "event_id").Unique()}
}
