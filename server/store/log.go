package store

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// shard is the key of the log's only row. The column leaves room for sharding.
const shard = 0

// logState is the state of the log after the newest commit. The writer stores it; any goroutine may load it.
type logState struct {
	head, subjectMark atomic.Int64
	registry          atomic.Pointer[Registry]
	// refusing is the reason why the database accepts no writes for now; nil while it accepts them.
	refusing atomic.Pointer[gateway.Error]
	// incarnations does not change once the store is open.
	incarnations []gateway.IncarnationStart
}

// Head is the position of the newest committed event.
func (l *logState) Head() gateway.Position { return gateway.Position(l.head.Load()) }

// Cursor returns the cursor of a position, in the incarnation that wrote the position. So a repeated publish returns the
// same cursor as the first, also after a restart.
func (l *logState) Cursor(p gateway.Position) gateway.Cursor {
	i := len(l.incarnations) - 1
	for i > 0 && p < l.incarnations[i].First {
		i--
	}
	return gateway.Cursor{Shard: shard, Incarnation: l.incarnations[i].ID, Position: p}
}

// CheckCursor returns the position to read after, and the gap between the cursor and the next event.
func (l *logState) CheckCursor(c gateway.Cursor, t *gateway.Tenant) (after gateway.Position, gap gateway.Gap) {
	return gateway.CheckCursor(c, l.incarnations, l.Head(), t.PurgedTo)
}

// Registry returns the current event types.
func (l *logState) Registry() *Registry { return l.registry.Load() }

// RegistryRevision grows with every change of the event types.
func (l *logState) RegistryRevision() int64 { return l.Registry().Revision }

// firstRows fills a fresh database: the log's row, the only group of subscriptions and the default tenant.
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
	err = tx.EventLog.Create().SetID(shard).SetHead(0).SetRegistryRevision(0).SetSubjectMark(0).SetAcceptTime(0).Exec(ctx)
	if err != nil {
		return err
	}
	if err := tx.SubscriptionGroup.Create().SetID(0).SetOwner("").SetEpoch(0).SetMark(0).Exec(ctx); err != nil {
		return err
	}
	now := micros(time.Now())
	err = tx.Tenant.Create().SetName(gateway.DefaultTenant).SetDisplayName("Default").SetPurgedTo(0).SetRevision(1).
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
	// Whether events after the mark have subjects is not known, so indexing runs once up to the head.
	w.subjectsTo = gateway.Position(row.Head)
	return w.loadRegistry(ctx, row.RegistryRevision)
}

// beginIncarnation writes the incarnation of this start. SQLite cannot prove that its file is not an older copy, so every
// start begins a new incarnation. Then cursors of events that a restore has lost never match.
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
		// Stored events can still be read and delivered. The writer stores the incarnation before the first append.
		w.pendingIncarnation = &begun
		w.noteWrite(err)
		return nil
	}
	return err
}

func (w *writer) storeIncarnation(ctx context.Context, begun gateway.IncarnationStart) error {
	return w.client.Incarnation.Create().SetShard(shard).SetToken(begun.ID[:]).SetFirstPosition(int64(begun.First)).
		SetCreateTime(micros(time.Now())).Exec(ctx)
}
