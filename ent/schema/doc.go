// Package schema holds the tables, one file each. Times are Unix microseconds, so that both dialects store and compare
// them alike. Columns added to event, delivery or attempt later must be nullable: SQLite would copy the table otherwise.
package schema

import (
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
)

func table(name string) []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: name}}
}

// assigned is for tables whose key we choose: SQLite's AUTOINCREMENT would write a second table on every insert.
func assigned(name string) []schema.Annotation {
	incremental := false
	return []schema.Annotation{entsql.Annotation{Table: name, Incremental: &incremental}}
}
