package publish

import (
	"slices"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
)

// Counts holds the number of events of a type that did not fit its schema since the server started.
type Counts struct {
	// Warned events were accepted and marked, Refused ones were not accepted. Of Ignored ones unknown fields were left out.
	Warned, Refused, Ignored int64
	// IgnoredFields holds the paths of the first fields that were left out.
	IgnoredFields []string
}

// maxIgnoredFields bounds the paths that are kept for a type of a tenant.
const maxIgnoredFields = 20

// counts holds the counts by tenant and type. Only registered types have violations, so clients cannot make it grow.
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
	sum.Warned, sum.Refused, sum.Ignored = sum.Warned+one.Warned, sum.Refused+one.Refused, sum.Ignored+one.Ignored
	for _, path := range one.IgnoredFields {
		if len(sum.IgnoredFields) < maxIgnoredFields && !slices.Contains(sum.IgnoredFields, path) {
			// A slice that Counts returned must not change.
			sum.IgnoredFields = append(slices.Clip(sum.IgnoredFields), path)
		}
	}
	c.of[key] = sum
}

// Counts returns the number of events of a type that a tenant published and that did not fit its schema.
func (p *Publisher) Counts(tenant gateway.TenantID, eventType string) Counts {
	p.counts.mu.Lock()
	defer p.counts.mu.Unlock()
	return p.counts.of[countKey{tenant, eventType}]
}

// countWarned counts an event that was stored although it breaks its schema, or without its unknown fields.
func (p *Publisher) countWarned(event *gateway.Event, snapshot *schema.Snapshot) {
	if len(event.Violations) > 0 && snapshot.Level(event.Tenant, event.Type) == gateway.LevelWarn {
		p.counts.add(event.Tenant, event.Type, Counts{Warned: 1})
	}
	if event.Ignored != nil {
		p.counts.add(event.Tenant, event.Type, Counts{Ignored: 1, IgnoredFields: event.Ignored.Paths})
	}
}

func (p *Publisher) countRefused(tenant *gateway.Tenant, draft *gateway.Draft, fault *gateway.Error) {
	if fault.Reason == gateway.ReasonSchemaViolation {
		p.counts.add(tenant.ID, draft.Type, Counts{Refused: 1})
	}
}
