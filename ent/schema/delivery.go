package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Delivery is one event for one subscription, with its newest attempt inline: the success of a first attempt costs one
// row.
type Delivery struct{ ent.Schema }

// Annotations names the table.
func (Delivery) Annotations() []schema.Annotation { return table("delivery") }

// Fields of a delivery. Durations are microseconds.
func (Delivery) Fields() []ent.Field {
	return append([]ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.Int64("subscription_id"),
		field.Int64("position"),
		field.Int32("run").Default(0).Comment("0: live, otherwise the replay"),
		field.Int8("state"),
		field.Int32("attempts").Comment("attempts that have ended"),
		field.Int32("step").Comment("steps of the retry schedule used up"),
		field.Int32("probes").Comment("probes failed while the breaker was open"),
		field.Bool("manual").Comment("the next attempt was asked for by a person"),
		field.Int64("due_time").Optional().Nillable().Comment("null while retrying: waits for breaker, hold or resume"),
		field.Int64("create_time"),
		field.Int64("update_time"),
	}, attemptFields()...)
}

// attemptFields are what one attempt leaves behind; null where it did not happen.
func attemptFields() []ent.Field {
	return []ent.Field{
		field.Int8("cause").Optional().Nillable(),
		field.Int8("outcome").Optional().Nillable(),
		field.Int32("status").Optional().Nillable(),
		field.Int64("start_time").Optional().Nillable(),
		field.Int64("duration").Optional().Nillable(),
		field.Int64("dns").Optional().Nillable(),
		field.Int64("connect").Optional().Nillable(),
		field.Int64("tls").Optional().Nillable(),
		field.Int64("first_byte").Optional().Nillable(),
		field.String("address").Optional().Nillable(),
		field.String("error").Optional().Nillable(),
		field.String("content_type").Optional().Nillable(),
		field.Bytes("response").Optional().Nillable(),
		field.Bool("truncated").Optional().Nillable(),
		field.Bytes("sent").Optional().Nillable().Comment("what was sent: the form and what differs from it"),
	}
}

// Indexes of deliveries.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("subscription_id", "position", "run").Unique(),
		index.Fields("tenant_id", "position"),
		index.Fields("tenant_id", "state", "position").Annotations(entsql.IndexWhere("state in (1, 2, 4, 5)")),
		index.Fields("subscription_id", "state", "due_time").
			Annotations(entsql.IndexWhere("state in (1, 2, 4, 5)")),
	}
}
