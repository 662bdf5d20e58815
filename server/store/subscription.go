package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/subscription"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

const (
	secretColumn = "subscription.secret"
	targetColumn = "subscription.target_config"
)

func (s *Store) subscriptionFrom(row *ent.Subscription) (*gateway.Subscription, error) {
	sub := &gateway.Subscription{
		ID: gateway.SubscriptionID(row.ID), UID: row.UID, Tenant: gateway.TenantID(row.TenantID),
		Group: gateway.GroupID(row.GroupID), Name: row.Name, Description: row.Description, Filter: filterFrom(row), TargetType: row.TargetType,
		State: gateway.SubscriptionState(row.State), StateReason: row.StateReason,
		Start:    gateway.Cursor{Shard: shard, Incarnation: gateway.Incarnation(row.StartIncarnation), Position: gateway.Position(row.StartPosition)},
		Payload:  gateway.PayloadFormat(value(row.PayloadFormat)),
		Revision: row.Revision, CreateTime: fromMicros(row.CreateTime), UpdateTime: fromMicros(row.UpdateTime),
	}
	if row.CursorPosition != nil {
		place := gateway.Position(*row.CursorPosition)
		sub.Cursor = &place
	}
	if err := json.Unmarshal(row.Policy, &sub.Policy); err != nil {
		return nil, fmt.Errorf("read policy of %s: %w", row.UID, err)
	}
	var err error
	if sub.Hold, err = holdFrom(row.Hold); err != nil {
		return nil, fmt.Errorf("read hold of %s: %w", row.UID, err)
	}
	if sub.Failing, err = failingFrom(row.Failing); err != nil {
		return nil, fmt.Errorf("read failures of %s: %w", row.UID, err)
	}
	secret, err := s.cfg.Keyring.Open(seal.Place{Column: secretColumn, Row: row.UID}, row.Secret)
	if err != nil {
		return nil, fmt.Errorf("open secret of %s: %w", row.UID, err)
	}
	sub.Secret = string(secret)
	if sub.TargetConfig, err = s.cfg.Keyring.Open(seal.Place{Column: targetColumn, Row: row.UID}, row.TargetConfig); err != nil {
		return nil, fmt.Errorf("open target of %s: %w", row.UID, err)
	}
	return sub, nil
}

func filterFrom(row *ent.Subscription) gateway.Filter {
	f := gateway.Filter{Types: row.FilterTypes}
	if row.FilterExpression != nil {
		f.Expression = *row.FilterExpression
	}
	return f
}

func (s *Store) subscriptionsFrom(rows []*ent.Subscription, err error) ([]*gateway.Subscription, error) {
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	subs := make([]*gateway.Subscription, len(rows))
	for i, row := range rows {
		if subs[i], err = s.subscriptionFrom(row); err != nil {
			return nil, err
		}
	}
	return subs, nil
}

// setSubscription sets the configured columns of a subscription, for create and update.
func setSubscription[B interface {
	SetName(string) B
	SetDescription(string) B
	SetFilterTypes([]string) B
	SetFilterExpression(string) B
	SetTargetType(string) B
	SetTargetConfig([]byte) B
	SetPolicy([]byte) B
	SetPayloadFormat(int8) B
	SetSecret([]byte) B
	SetState(int8) B
	SetStateReason(string) B
	SetUpdateTime(int64) B
}](b B, keys *seal.Keyring, sub *gateway.Subscription) (B, error) {
	policy, err := json.Marshal(sub.Policy)
	if err != nil {
		return b, fmt.Errorf("write policy: %w", err)
	}
	return b.SetName(sub.Name).SetDescription(sub.Description).SetFilterTypes(append([]string{}, sub.Filter.Types...)).
		SetFilterExpression(sub.Filter.Expression).
		SetTargetType(sub.TargetType).
		SetTargetConfig(keys.Seal(seal.Place{Column: targetColumn, Row: sub.UID}, sub.TargetConfig)).
		SetPolicy(policy).SetPayloadFormat(int8(sub.Payload)).
		SetSecret(keys.Seal(seal.Place{Column: secretColumn, Row: sub.UID}, []byte(sub.Secret))).
		SetState(int8(sub.State)).SetStateReason(sub.StateReason).SetUpdateTime(micros(sub.UpdateTime)), nil
}

// Marks returns the stored mark of each group, the position that its caught-up subscriptions share.
func (s *Store) Marks(ctx context.Context) (map[gateway.GroupID]gateway.Position, error) {
	rows, err := s.read.SubscriptionGroup.Query().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	marks := make(map[gateway.GroupID]gateway.Position, len(rows))
	for _, row := range rows {
		marks[gateway.GroupID(row.ID)] = gateway.Position(row.Mark)
	}
	return marks, nil
}

// CreateSubscription stores a subscription. It sets ID, UID, times, revision and the resolved start. A start time must
// already be resolved to a cursor, and a cursor must be checked. The error is already_exists when the name is taken.
func (s *Store) CreateSubscription(ctx context.Context, sub *gateway.Subscription, start gateway.Start) (*gateway.Subscription, error) {
	var created *gateway.Subscription
	err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		if err := s.checkSubscriptions(ctx, tx, sub.Tenant); err != nil {
			return err
		}
		fresh := *sub
		fresh.UID = newUID("sub_")
		fresh.State = gateway.SubscriptionActive
		fresh.UpdateTime = time.Now()
		// The writer runs changes one at a time, so the head does not move during this transaction.
		fresh.Start = s.Cursor(s.startPosition(start))
		b, err := setSubscription(tx.Subscription.Create(), s.cfg.Keyring, &fresh)
		if err != nil {
			return err
		}
		b = b.SetTenantID(int64(fresh.Tenant)).SetUID(fresh.UID).SetGroupID(0).SetRevision(1).SetCreateTime(micros(fresh.UpdateTime)).
			SetStartIncarnation(fresh.Start.Incarnation[:]).SetStartPosition(int64(fresh.Start.Position))
		// A subscription that begins in the past reads on its own. One that begins at the head shares the mark at once.
		if fresh.Start.Position < s.Head() {
			b = b.SetCursorPosition(int64(fresh.Start.Position))
		}
		row, err := b.Save(ctx)
		if ent.IsConstraintError(err) {
			return nameTaken("subscription", fresh.Name)
		}
		if err != nil {
			return fmt.Errorf("create subscription: %w", err)
		}
		if created, err = s.subscriptionFrom(row); err != nil {
			return err
		}
		if err := s.checkSizes(ctx, tx, &gateway.Subscription{}, created); err != nil {
			return err
		}
		return saveRevision(ctx, tx, created, fresh.Start.Position)
	})
	return created, err
}

func (s *Store) startPosition(start gateway.Start) gateway.Position {
	switch start.Kind {
	case gateway.StartEarliest:
		return 0
	case gateway.StartCursor:
		return min(start.Cursor.Position, s.Head())
	default:
		return s.Head()
	}
}

func saveRevision(ctx context.Context, tx *ent.Tx, sub *gateway.Subscription, from gateway.Position) error {
	policy, err := json.Marshal(sub.Policy)
	if err != nil {
		return fmt.Errorf("write policy: %w", err)
	}
	err = tx.SubscriptionRevision.Create().SetTenantID(int64(sub.Tenant)).SetSubscriptionID(int64(sub.ID)).
		SetRevision(sub.Revision).SetFromPosition(int64(from)).SetFilterTypes(append([]string{}, sub.Filter.Types...)).
		SetFilterExpression(sub.Filter.Expression).SetPolicy(policy).SetCreateTime(micros(sub.UpdateTime)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep revision: %w", err)
	}
	return forgetRevisions(ctx, tx, sub)
}

// SubscriptionByRef returns a subscription by id or name. The error is not found.
func (s *Store) SubscriptionByRef(ctx context.Context, tenant gateway.TenantID, ref string) (*gateway.Subscription, error) {
	rows, err := s.subscriptionsFrom(s.read.Subscription.Query().
		Where(subscription.TenantID(int64(tenant)), subscription.Or(subscription.UID(ref), subscription.Name(ref))).All(ctx))
	if err != nil {
		return nil, err
	}
	// A name may equal the id of another subscription: the id wins.
	if i := slices.IndexFunc(rows, func(sub *gateway.Subscription) bool { return sub.UID == ref }); i >= 0 {
		return rows[i], nil
	}
	if len(rows) == 0 {
		return nil, gateway.NotFound("subscription", ref)
	}
	return rows[0], nil
}

// Subscriptions returns the subscriptions of all tenants.
func (s *Store) Subscriptions(ctx context.Context) ([]*gateway.Subscription, error) {
	return s.subscriptionsFrom(s.read.Subscription.Query().Order(ent.Asc(subscription.FieldID)).All(ctx))
}

// ListSubscriptions returns a tenant's subscriptions whose names sort after afterName, ordered by name.
func (s *Store) ListSubscriptions(ctx context.Context, tenant gateway.TenantID, afterName string, limit int) ([]*gateway.Subscription, error) {
	return s.subscriptionsFrom(s.read.Subscription.Query().
		Where(subscription.TenantID(int64(tenant)), subscription.NameGT(afterName)).
		Order(ent.Asc(subscription.FieldName)).Limit(limit).All(ctx))
}

// ListAllSubscriptions returns the subscriptions of all tenants after the one of a tenant and a name, ordered by tenant and name.
func (s *Store) ListAllSubscriptions(ctx context.Context, tenant gateway.TenantID, name string, limit int) ([]*gateway.Subscription, error) {
	return s.subscriptionsFrom(s.read.Subscription.Query().
		Where(subscription.Or(
			subscription.TenantIDGT(int64(tenant)),
			subscription.And(subscription.TenantID(int64(tenant)), subscription.NameGT(name)),
		)).
		Order(ent.Asc(subscription.FieldTenantID, subscription.FieldName)).Limit(limit).All(ctx))
}

// UpdateSubscription changes a subscription. It calls change with the current subscription, inside the transaction. expected
// is the required revision, 0 for any; the error is aborted when it differs. The new revision of filter and policy is stored
// with the position after which it applies, which is returned.
func (s *Store) UpdateSubscription(ctx context.Context, id gateway.SubscriptionID, expected int64, change func(*gateway.Subscription) error) (*gateway.Subscription, gateway.Position, error) {
	var updated *gateway.Subscription
	var from gateway.Position
	err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		row, err := tx.Subscription.Get(ctx, int64(id))
		if ent.IsNotFound(err) {
			return gateway.Gone("subscription")
		}
		if err != nil {
			return fmt.Errorf("read subscription: %w", err)
		}
		if err := expectRevision("subscription", expected, row.Revision); err != nil {
			return err
		}
		sub, err := s.subscriptionFrom(row)
		if err != nil {
			return err
		}
		before := *sub
		if err := change(sub); err != nil {
			return err
		}
		sub.UpdateTime = time.Now()
		b, err := setSubscription(row.Update(), s.cfg.Keyring, sub)
		if err != nil {
			return err
		}
		if len(value(row.Hold)) > 0 && sub.Hold == (gateway.Hold{}) {
			b = b.ClearHold()
		}
		if row, err = b.AddRevision(1).Save(ctx); ent.IsConstraintError(err) {
			return nameTaken("subscription", sub.Name)
		} else if err != nil {
			return fmt.Errorf("update subscription: %w", err)
		}
		if updated, err = s.subscriptionFrom(row); err != nil {
			return err
		}
		if err := s.checkSizes(ctx, tx, &before, updated); err != nil {
			return err
		}
		from = s.Head()
		return saveRevision(ctx, tx, updated, from)
	})
	return updated, from, err
}

func expectRevision(noun string, expected, current int64) error {
	if expected == 0 || expected == current {
		return nil
	}
	return gateway.Errorf(gateway.CodeAborted, gateway.ReasonRevisionMismatch,
		"the %s has revision %d by now, not %d: read it again", noun, current, expected)
}
