package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Subscription is a durable, named interest.
type Subscription struct{ ent.Schema }

// Annotations names the table.
func (Subscription) Annotations() []schema.Annotation { return table("subscription") }

// Fields of a subscription.
func (Subscription) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.String("uid").Unique(),
		field.String("name"),
		field.String("description").Default(""),
		field.JSON("filter_types", []string{}),
		field.String("filter_expression").Optional().Nillable(),
		field.String("target_type"),
		field.Bytes("target_config").Comment("sealed"),
		field.Bytes("policy").Comment("JSON"),
		field.Bytes("secret").Comment("sealed"),
		field.Int8("state"),
		field.String("state_reason").Default(""),
		field.Int8("payload_format").Optional().Nillable(),
		field.Bytes("hold").Optional().Nillable().Comment("JSON of what keeps an active one from attempts"),
		field.Bytes("failing").Optional().Nillable().Comment("JSON of the failures since the last success; null: none"),
		field.Bytes("start_incarnation").MaxLen(8),
		field.Int64("start_position"),
		field.Int64("cursor_position").Optional().Nillable().Comment("null: caught up, its place is the mark of its group"),
		field.Int64("group_id").Default(0),
		field.Int64("revision").Default(1),
		field.Int64("create_time"),
		field.Int64("update_time"),
	}
}

// Indexes of subscriptions.
func (Subscription) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "name").Unique()}
}
