package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// SubscriptionGroup is one of the 256 groups subscriptions hash into; one node owns it at a time, fenced by the epoch.
type SubscriptionGroup struct{ ent.Schema }

// Annotations names the table.
func (SubscriptionGroup) Annotations() []schema.Annotation { return table("subscription_group") }

// Fields of a group.
func (SubscriptionGroup) Fields() []ent.Field {
	return []ent.Field{
		assigned("id"),
		field.String("owner").Default(""),
		field.Int64("epoch").Default(0),
		field.Int64("lease_time").Optional().Nillable(),
	}
}
