package store_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// A list of deliveries reads its page from an index of its tenant or subscription. Without one it reads what other tenants have stored.
func TestListsOfDeliveriesReadAnIndexOfTheirOwn(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	w := serve(t, cfg)
	db := raw(t, cfg)
	dead, delivered := gateway.DeliveryDead, gateway.DeliveryDelivered
	before := &gateway.DeliveryKey{Subscription: 1, Position: 7}
	queries := map[string]store.DeliveryQuery{
		"all":                        {},
		"next page":                  {Before: before},
		"of an event":                {Position: 7},
		"dead":                       {States: []gateway.DeliveryState{dead}},
		"dead, next page":            {States: []gateway.DeliveryState{dead}, Before: before},
		"dead or retrying":           {States: []gateway.DeliveryState{dead, gateway.DeliveryRetrying}},
		"delivered":                  {States: []gateway.DeliveryState{delivered}},
		"dead of an event":           {Position: 7, States: []gateway.DeliveryState{dead}},
		"of a subscription":          {Subscription: 3},
		"dead of a subscription":     {Subscription: 3, States: []gateway.DeliveryState{dead}},
		"with types":                 {Types: []string{"order.*"}},
		"dead or retrying with type": {Types: []string{"order.*"}, States: []gateway.DeliveryState{dead, gateway.DeliveryRetrying}},
	}
	for name, query := range queries {
		query.Tenant, query.Limit = 1, 50
		statements := w.Statements(func() {
			if _, _, err := w.ListDeliveries(context.Background(), query); err != nil {
				t.Fatal(err)
			}
		})
		for _, statement := range statements {
			plan := planOf(t, db, statement)
			if !strings.Contains(plan, "(tenant_id=?") && !strings.Contains(plan, "(subscription_id=?") {
				t.Errorf("%s: %s\n%s", name, plan, statement.Query)
			}
			if query.Subscription == 0 && strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") {
				t.Errorf("%s sorts all that the tenant has: %s\n%s", name, plan, statement.Query)
			}
		}
	}
}

func planOf(t *testing.T, db *sql.DB, s store.Statement) string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "explain query plan "+s.Query, s.Args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}
