package store

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// shard is the one row of the log; sharding is for later.
const shard = 0

// logState is the state of the log as of the newest commit. The writer stores it; any goroutine may load it.
type logState struct {
	head, subjectMark atomic.Int64
	registry          atomic.Pointer[Registry]
	// refusing is why the database takes no writes for now; nil while it does.
	refusing atomic.Pointer[gateway.Error]
	// incarnations do not change once the store is open.
	incarnations []gateway.IncarnationStart
}

// Head is the position of the newest committed event.
func (l *logState) Head() gateway.Position { return gateway.Position(l.head.Load()) }

// Cursor returns the cursor of a position, in the incarnation it was written in: a repeated publish returns the cursor of
// the first one, restarts or not.
func (l *logState) Cursor(p gateway.Position) gateway.Cursor {
	i := len(l.incarnations) - 1
	for i > 0 && p < l.incarnations[i].First {
		i--
	}
	return gateway.Cursor{Shard: shard, Incarnation: l.incarnations[i].ID, Position: p}
}

// CheckCursor returns the position to read after, and what is missing before the next event.
func (l *logState) CheckCursor(c gateway.Cursor, t *gateway.Tenant) (after gateway.Position, gap gateway.Gap) {
	return gateway.CheckCursor(c, l.incarnations, l.Head(), t.PurgedTo)
}

// Registry returns the event types as they are now.
func (l *logState) Registry() *Registry { return l.registry.Load() }

// RegistryRevision grows with every change of the event types.
func (l *logState) RegistryRevision() int64 { return l.Registry().Revision }

// firstRows makes the log's row, the one group of subscriptions and the default tenant on a fresh database.
func (w *writer) firstRows(ctx context.Context) error {
	exists, err := w.client.EventLog.Query().Exist(ctx)
	if err != nil || exists {
		return err
	}
	tx, err := w.client.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.EventLog.Create().SetID(shard).Exec(ctx); err != nil {
		return err
	}
	if err := tx.SubscriptionGroup.Create().SetID(0).Exec(ctx); err != nil {
		return err
	}
	now := micros(time.Now())
	err = tx.Tenant.Create().SetName(gateway.DefaultTenant).SetDisplayName("Default").
		SetCreateTime(now).SetUpdateTime(now).Exec(ctx)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (w *writer) loadLog(ctx context.Context) error {
	row, err := w.client.EventLog.Get(ctx, shard)
	if err != nil {
		return err
	}
	w.head.Store(row.Head)
	w.subjectMark.Store(row.SubjectMark)
	w.lastAccept = row.AcceptTime
	// Whether events behind the mark have subjects is not known: look once.
	w.subjectsTo = gateway.Position(row.Head)
	return w.loadRegistry(ctx, row.RegistryRevision)
}

// beginIncarnation writes the new incarnation. SQLite cannot prove that the file is not an older copy, so every start
// begins one: cursors of events a restore has lost then never fit.
func (w *writer) beginIncarnation(ctx context.Context) error {
	rows, err := w.client.Incarnation.Query().Order(ent.Asc("first_position", "id")).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		w.incarnations = append(w.incarnations, gateway.IncarnationStart{
			ID: gateway.Incarnation(row.Token), First: gateway.Position(row.FirstPosition),
		})
	}
	var id gateway.Incarnation
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	begun := gateway.IncarnationStart{ID: id, First: gateway.Position(w.head.Load()) + 1}
	w.incarnations = append(w.incarnations, begun)
	err = w.storeIncarnation(ctx, begun)
	if refuses(err) {
		// What is stored can be read and delivered; the writer stores it before the first event.
		w.owed = &begun
		w.noteWrite(err)
		return nil
	}
	return err
}

func (w *writer) storeIncarnation(ctx context.Context, begun gateway.IncarnationStart) error {
	return w.client.Incarnation.Create().SetToken(begun.ID[:]).SetFirstPosition(int64(begun.First)).
		SetCreateTime(micros(time.Now())).Exec(ctx)
}
