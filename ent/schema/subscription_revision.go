package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// SubscriptionRevision keeps what a subscription asked for, and the position from which it held.
type SubscriptionRevision struct{ ent.Schema }

// Annotations names the table.
func (SubscriptionRevision) Annotations() []schema.Annotation { return table("subscription_revision") }

// Fields of a revision.
func (SubscriptionRevision) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.Int64("subscription_id"),
		field.Int64("revision"),
		field.Int64("from_position").Comment("events after it are matched by this revision"),
		field.JSON("filter_types", []string{}),
		field.String("filter_expression").Optional().Nillable(),
		field.Bytes("policy").Comment("JSON"),
		field.Int64("create_time"),
	}
}

// Indexes of revisions.
func (SubscriptionRevision) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "subscription_id", "revision").Unique()}
}
