package store

import (
	"entgo.io/ent/dialect/sql"

	"github.com/postrider-dev/postrider/ent"
)

// A file of this package uses ent or SQL, not both (TestFilesUseEntOrSQL). ent is the rule. SQL is for three cases: the
// writer's hot paths, where prepared statements insert twice as many rows; reads of the log; and queries that ent cannot
// express.

func (d *database) readClient() *ent.Client {
	return ent.NewClient(ent.Driver(sql.OpenDB(d.dialect, d.reader)))
}

func (d *database) writeClient() *ent.Client {
	return ent.NewClient(ent.Driver(sql.OpenDB(d.dialect, d.writer)))
}
