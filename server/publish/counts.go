package publish

import (
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// Counts are how many events of a type broke its schema since the server started.
type Counts struct {
	// Warned were accepted and marked, Refused were not accepted.
	Warned, Refused int64
}

// counts are by tenant and type. Only registered types have violations, so they do not grow with what is sent.
type counts struct {
	mu sync.Mutex
	of map[countKey]Counts
}

type countKey struct {
	tenant    gateway.TenantID
	eventType string
}

func (c *counts) add(tenant gateway.TenantID, eventType string, one Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[countKey]Counts)
	}
	key := countKey{tenant, eventType}
	sum := c.of[key]
	c.of[key] = Counts{Warned: sum.Warned + one.Warned, Refused: sum.Refused + one.Refused}
}

// Counts answers how many events of a type a tenant sent that broke its schema.
func (p *Publisher) Counts(tenant gateway.TenantID, eventType string) Counts {
	p.counts.mu.Lock()
	defer p.counts.mu.Unlock()
	return p.counts.of[countKey{tenant, eventType}]
}

// countWarned counts what was stored although it breaks its schema; a repeat was counted the first time.
func (p *Publisher) countWarned(accepted []store.NewEvent, acks []gateway.Ack, snapshot *schema.Snapshot) {
	for i, ack := range acks {
		event := accepted[i].Event
		if len(event.Violations) > 0 && !ack.Duplicate && snapshot.Level(event.Tenant, event.Type) == gateway.LevelWarn {
			p.counts.add(event.Tenant, event.Type, Counts{Warned: 1})
		}
	}
}

func (p *Publisher) countRefused(tenant *gateway.Tenant, draft *gateway.Draft, fault *gateway.Error) {
	if fault.Reason == gateway.ReasonSchemaViolation {
		p.counts.add(tenant.ID, draft.Type, Counts{Refused: 1})
	}
}
