package store

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect/sql"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/apikey"
	"github.com/postrider-dev/postrider/ent/subscription"
	"github.com/postrider-dev/postrider/ent/subscriptionrevision"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Rows that a caller can create without end are bounded per tenant, and by quotaTenants times as many in all. Rows that only record
// the past refuse nothing: the oldest ones are removed.
const (
	quotaTenants = 5
	// maxRevisions is how many revisions of a subscription are kept.
	maxRevisions = 100
	// forgetAtOnce is how many revoked keys are removed at a time: a database of an earlier version may have many.
	forgetAtOnce = 100
)

// counts are numbers of rows.
type counts struct{ tenant, all int }

// check refuses a row beyond the number that a tenant may have. field is the field of the request.
func (c counts) check(field, things string, most int) error {
	switch {
	case c.tenant >= most:
		return exhausted(field, "the tenant has %d %s, which is the most that it may have", c.tenant, things)
	case c.all >= quotaTenants*most:
		return exhausted(field, "the server has %d %s, which is the most that it may have", c.all, things)
	default:
		return nil
	}
}

func exhausted(field, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &gateway.Error{
		Code: gateway.CodeResourceExhausted, Reason: gateway.ReasonWrongState, Message: message,
		Fields: []gateway.Violation{{Field: field, Message: message}},
	}
}

func (s *Store) checkSubscriptions(ctx context.Context, tx *ent.Tx, tenant gateway.TenantID) (err error) {
	var c counts
	if c.tenant, err = tx.Subscription.Query().Where(subscription.TenantID(int64(tenant))).Count(ctx); err == nil {
		c.all, err = tx.Subscription.Query().Count(ctx)
	}
	if err != nil {
		return fmt.Errorf("count subscriptions: %w", err)
	}
	return c.check("subscription", "subscriptions", s.cfg.MaxSubscriptions)
}

// checkExpressions refuses an expression where those of a tenant's subscriptions, or of all, have too many bytes together. Compiled, a byte
// takes about 90, for each version of each schema. The row is there already.
func (s *Store) checkExpressions(ctx context.Context, tx *ent.Tx, sub *gateway.Subscription) (err error) {
	if sub.Filter.Expression == "" {
		return nil
	}
	var c counts
	bytes := func(selected *ent.SubscriptionQuery) (int, error) {
		return selected.Aggregate(func(of *sql.Selector) string {
			return "cast(coalesce(sum(octet_length(" + of.C(subscription.FieldFilterExpression) + ")), 0) as bigint)"
		}).Int(ctx)
	}
	if c.tenant, err = bytes(tx.Subscription.Query().Where(subscription.TenantID(int64(sub.Tenant)))); err == nil {
		c.all, err = bytes(tx.Subscription.Query())
	}
	if err != nil {
		return fmt.Errorf("measure expressions: %w", err)
	}
	most := s.cfg.MaxExpressionBytes
	switch {
	case c.tenant > most:
		return exhausted("subscription.filter.expression", "the expressions of the tenant's subscriptions would have %d bytes; the limit is %d", c.tenant, most)
	case c.all > quotaTenants*most:
		return exhausted("subscription.filter.expression", "the expressions of all subscriptions would have %d bytes; the limit is %d", c.all, quotaTenants*most)
	default:
		return nil
	}
}

// checkKeys counts the keys that are not revoked. Those that are confined to no tenant count as a tenant's.
func (s *Store) checkKeys(ctx context.Context, tx *ent.Tx, tenant gateway.TenantID) (err error) {
	var c counts
	inForce := apikey.RevokeTimeIsNil()
	if c.tenant, err = tx.APIKey.Query().Where(apikey.TenantID(int64(tenant)), inForce).Count(ctx); err == nil {
		c.all, err = tx.APIKey.Query().Where(inForce).Count(ctx)
	}
	if err != nil {
		return fmt.Errorf("count keys: %w", err)
	}
	return c.check("api_key", "keys that are not revoked", s.cfg.MaxKeys)
}

// forgetRevoked removes the oldest of a tenant's revoked keys where there are more than it may have in force.
func (s *Store) forgetRevoked(ctx context.Context, tx *ent.Tx, tenant gateway.TenantID) error {
	old, err := tx.APIKey.Query().Where(apikey.TenantID(int64(tenant)), apikey.RevokeTimeNotNil()).
		Order(ent.Desc(apikey.FieldRevokeTime, apikey.FieldID)).Offset(s.cfg.MaxKeys).Limit(forgetAtOnce).IDs(ctx)
	if err == nil && len(old) > 0 {
		_, err = tx.APIKey.Delete().Where(apikey.IDIn(old...)).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("forget revoked keys: %w", err)
	}
	return nil
}

// forgetRevisions removes the oldest revisions of a subscription that has one more now.
func forgetRevisions(ctx context.Context, tx *ent.Tx, sub *gateway.Subscription) error {
	if sub.Revision <= maxRevisions {
		return nil
	}
	_, err := tx.SubscriptionRevision.Delete().Where(
		subscriptionrevision.TenantID(int64(sub.Tenant)), subscriptionrevision.SubscriptionID(int64(sub.ID)),
		subscriptionrevision.RevisionLTE(sub.Revision-maxRevisions),
	).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forget revisions: %w", err)
	}
	return nil
}
