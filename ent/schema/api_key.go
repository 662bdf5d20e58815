package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// APIKey lets a client in; only a hash of its secret is stored.
type APIKey struct{ ent.Schema }

// Annotations names the table.
func (APIKey) Annotations() []schema.Annotation { return table("api_key") }

// Fields of a key.
func (APIKey) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id").Default(0).Comment("0: server-scoped"),
		field.String("uid").Unique(),
		field.String("name"),
		field.Bytes("hash").MaxLen(32).Unique().Comment("SHA-256 of the secret"),
		field.String("hint"),
		field.Int("scopes"),
		field.Int64("revision").Default(1),
		field.Int64("create_time"),
		field.Int64("update_time"),
		field.Int64("revoke_time").Optional().Nillable(),
	}
}

// Indexes of keys.
func (APIKey) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "name").Unique()}
}
