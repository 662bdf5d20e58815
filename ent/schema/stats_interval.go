package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// StatsInterval is what a tenant's statistics of one interval were. An interval in which nothing happened has no row.
type StatsInterval struct{ ent.Schema }

// Annotations names the table.
func (StatsInterval) Annotations() []schema.Annotation { return table("stats_interval") }

// Fields of an interval.
func (StatsInterval) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.Int32("resolution").Comment("its length in seconds"),
		field.Int64("start_time"),
		field.Int64("position").Comment("of the newest event, whosever it was, that was counted in what was stored by then"),
		field.Bytes("data").Comment("encoded by server/stats"),
	}
}

// Indexes of intervals: one for those who look, one to sum up and remove those of all tenants.
func (StatsInterval) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "resolution", "start_time").Unique(),
		index.Fields("resolution", "start_time"),
	}
}
