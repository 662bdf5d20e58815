package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EndedSession is a session that somebody signed out of before its time. Sessions that go on have no row.
type EndedSession struct{ ent.Schema }

// Annotations names the table.
func (EndedSession) Annotations() []schema.Annotation { return table("ended_session") }

// Fields of an ended session.
func (EndedSession) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id").Default(0).Comment("that of the key; 0: server-scoped"),
		field.String("key_uid").Comment("the key that signed in"),
		field.Bytes("session").MaxLen(16).Optional().Nillable().Unique().
			Comment("null: every session of the key that expires no later"),
		field.Int64("expire_time").Comment("the row means nothing from then on"),
	}
}

// Indexes of ended sessions.
func (EndedSession) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "key_uid"), index.Fields("expire_time")}
}
