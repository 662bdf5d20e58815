package store

import (
	"entgo.io/ent/dialect/sql"

	"github.com/postrider-dev/postrider/ent"
)

func (d *database) readClient() *ent.Client {
	return ent.NewClient(ent.Driver(sql.OpenDB(d.dialect, d.reader)))
}

func (d *database) writeClient() *ent.Client {
	return ent.NewClient(ent.Driver(sql.OpenDB(d.dialect, d.writer)))
}
