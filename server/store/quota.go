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

// The number of rows that a caller can create is bounded per tenant, and by quotaTenants times as many in total. Rows that
// only record the past do not count against new ones: the oldest are removed.
const (
	quotaTenants = 5
	// maxRevisions is the number of revisions of a subscription that are kept.
	maxRevisions = 100
	// forgetAtOnce is the number of revoked keys that are removed at a time: a database of an earlier version may have many.
	forgetAtOnce = 100
)

// counts holds the number of rows of one tenant and of all.
type counts struct{ tenant, all int }

// check returns an error when the tenant, or all tenants, already have the allowed number of rows. field is the field of the
// request.
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

// checkSizes refuses what has grown where a tenant's subscriptions, or all, have too many bytes of it together: an expression, which takes
// about 90 times its size when it is compiled, for each version of each schema, and a target's configuration, which takes about
// twice its size when it has been used. before is the subscription as it was, and the row is changed already.
func (s *Store) checkSizes(ctx context.Context, tx *ent.Tx, before, sub *gateway.Subscription) error {
	if len(sub.Filter.Expression) > len(before.Filter.Expression) {
		expressions := quota{
			column: subscription.FieldFilterExpression, most: s.cfg.MaxExpressionBytes,
			field: "subscription.filter.expression", things: "expressions",
		}
		if err := expressions.check(ctx, tx, sub.Tenant); err != nil {
			return err
		}
	}
	if len(sub.TargetConfig) > len(before.TargetConfig) {
		targets := quota{
			column: subscription.FieldTargetConfig, most: s.cfg.MaxTargetBytes,
			field: "subscription.target", things: "targets",
		}
		return targets.check(ctx, tx, sub.Tenant)
	}
	return nil
}

// quota bounds the bytes of a column.
type quota struct {
	column string
	most   int
	// field is the field of the request, and things are the content of the column.
	field, things string
}

// check bounds the bytes of a tenant, and of all. The bound of all does not concern tenants with a small part, who would otherwise be
// refused for what others have.
func (q quota) check(ctx context.Context, tx *ent.Tx, tenant gateway.TenantID) (err error) {
	var c counts
	if c.tenant, err = q.bytes(ctx, tx.Subscription.Query().Where(subscription.TenantID(int64(tenant)))); err == nil {
		c.all, err = q.bytes(ctx, tx.Subscription.Query())
	}
	switch {
	case err != nil:
		return fmt.Errorf("measure %s: %w", q.things, err)
	case c.tenant > q.most:
		return exhausted(q.field, "the %s of the tenant's subscriptions would have %d bytes; the limit is %d", q.things, c.tenant, q.most)
	case c.all > quotaTenants*q.most && c.tenant > q.most/quotaTenants:
		return exhausted(q.field, "the %s of all subscriptions would have %d bytes; the limit is %d", q.things, c.all, quotaTenants*q.most)
	default:
		return nil
	}
}

func (q quota) bytes(ctx context.Context, of *ent.SubscriptionQuery) (int, error) {
	return of.Aggregate(func(of *sql.Selector) string {
		return "cast(coalesce(sum(octet_length(" + of.C(q.column) + ")), 0) as bigint)"
	}).Int(ctx)
}

// checkKeys counts the keys that are not revoked. Keys for all tenants are counted together, like the keys of one tenant.
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

// forgetRevoked removes the oldest revoked keys of a tenant: as many are kept as the tenant may have in force.
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

// forgetRevisions removes the revisions of a subscription that are older than its newest maxRevisions.
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
