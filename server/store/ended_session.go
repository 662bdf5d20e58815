package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/endedsession"
	"github.com/postrider-dev/postrider/ent/predicate"
	"github.com/postrider-dev/postrider/server/gateway"
)

// MaxEndedSessions bounds the stored ended sessions of one key. Beyond it they are replaced by a single row that ends all
// sessions of the key that expire no later. So signing in and out in a loop fills neither the table nor the memory.
const MaxEndedSessions = 100

// endedKept is how long an ended session is kept after it expired. A clock that was ahead for a while may have expired the
// session early. Then the session must not become valid again when the clock is corrected.
const endedKept = 30 * 24 * time.Hour

// endedSessions holds the whole table in memory, because every call with a session checks it.
type endedSessions struct {
	mu   sync.RWMutex
	keys map[string][]endedSession
}

type endedSession struct {
	// id is nil for a row that ends every session of the key that expires no later.
	id      *gateway.SessionID
	expires time.Time
}

func (e endedSession) ends(one gateway.Session) bool {
	if e.id == nil {
		return !one.Expires.After(e.expires)
	}
	return *e.id == one.ID
}

// has reports whether the session was ended.
func (s *endedSessions) has(one gateway.Session) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, ended := range s.keys[one.KeyID] {
		if ended.ends(one) {
			return true
		}
	}
	return false
}

// replace sets the ended sessions of a key, and removes the keys of which all ended sessions expired more than endedKept
// ago.
func (s *endedSessions) replace(key string, rows []*ent.EndedSession, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, sessions := range s.keys {
		if expired(sessions, now) {
			delete(s.keys, key)
		}
	}
	s.keys[key] = mapped(rows, endedSessionFrom)
}

func expired(sessions []endedSession, now time.Time) bool {
	for _, one := range sessions {
		if now.Before(one.expires.Add(endedKept)) {
			return false
		}
	}
	return true
}

func endedSessionFrom(row *ent.EndedSession) endedSession {
	ended := endedSession{expires: fromMicros(row.ExpireTime)}
	if row.Session != nil && len(*row.Session) > 0 {
		id := gateway.SessionID(*row.Session)
		ended.id = &id
	}
	return ended
}

func (s *Store) loadEndedSessions(ctx context.Context) error {
	rows, err := s.read.EndedSession.Query().All(ctx)
	if err != nil {
		return err
	}
	byKey := map[string][]*ent.EndedSession{}
	for _, row := range rows {
		byKey[row.KeyUID] = append(byKey[row.KeyUID], row)
	}
	now := time.Now()
	s.ended.keys = make(map[string][]endedSession, len(byKey))
	for key, rows := range byKey {
		s.ended.replace(key, rows, now)
	}
	return nil
}

// SessionEnded reports whether the session was ended. It reads memory only.
func (s *Store) SessionEnded(one gateway.Session) bool { return s.ended.has(one) }

// EndSession ends a session before it expires. Ending it again changes nothing.
func (s *Store) EndSession(ctx context.Context, one gateway.Session) error {
	if s.ended.has(one) {
		return nil
	}
	return s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		if s.ended.has(one) {
			return nil
		}
		now := time.Now()
		if err := addEndedSession(ctx, tx, one, now); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		rows, err := tx.EndedSession.Query().Where(endedOf(one)...).All(ctx)
		if err != nil {
			return fmt.Errorf("read ended sessions: %w", err)
		}
		onCommit(tx, func() { s.ended.replace(one.KeyID, rows, now) })
		return nil
	})
}

func addEndedSession(ctx context.Context, tx *ent.Tx, one gateway.Session, now time.Time) error {
	if _, err := tx.EndedSession.Delete().Where(endedsession.ExpireTimeLTE(micros(now.Add(-endedKept)))).Exec(ctx); err != nil {
		return err
	}
	rows, err := tx.EndedSession.Query().Where(endedOf(one)...).All(ctx)
	if err != nil {
		return err
	}
	if len(rows) >= MaxEndedSessions {
		if rows, err = forgetExpired(ctx, tx, one, rows, now); err != nil {
			return err
		}
	}
	create := tx.EndedSession.Create().SetTenantID(int64(one.Tenant)).SetKeyUID(one.KeyID)
	if len(rows) < MaxEndedSessions {
		return create.SetSession(one.ID[:]).SetExpireTime(micros(one.Expires)).Exec(ctx)
	}
	last := micros(one.Expires)
	for _, row := range rows {
		last = max(last, row.ExpireTime)
	}
	if _, err := tx.EndedSession.Delete().Where(endedOf(one)...).Exec(ctx); err != nil {
		return err
	}
	return create.SetExpireTime(last).Exec(ctx)
}

// forgetExpired removes the rows of a key whose sessions have expired, and returns the others.
func forgetExpired(ctx context.Context, tx *ent.Tx, one gateway.Session, rows []*ent.EndedSession, now time.Time) ([]*ent.EndedSession, error) {
	expired := endedsession.ExpireTimeLTE(micros(now))
	if _, err := tx.EndedSession.Delete().Where(append(endedOf(one), expired)...).Exec(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(row *ent.EndedSession) bool { return row.ExpireTime <= micros(now) }), nil
}

func endedOf(one gateway.Session) []predicate.EndedSession {
	return []predicate.EndedSession{endedsession.TenantID(int64(one.Tenant)), endedsession.KeyUID(one.KeyID)}
}
