// Package schema defines the tables, one file each. Times are Unix microseconds, so both dialects store and compare them in the same
// way. Columns that are added to event, delivery or attempt must be nullable: with a default, SQLite would copy the table.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

func table(name string) []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: name}}
}

// assigned is a key we choose: SQLite's AUTOINCREMENT would write a second table on every insert.
func assigned(column string) ent.Field {
	incremental := false
	return field.Int64("id").StorageKey(column).Annotations(entsql.Annotation{Incremental: &incremental})
}
