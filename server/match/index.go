// Package match matches events with many filters at once, for deliveries and for live streams.
//
// An Index finds the filters whose patterns select an event's type through a trie, in as many steps as the type has segments, and
// evaluates each distinct expression once for an event.
//
// An index is used in two steps. Ask evaluates the expressions that concern a few events, without the index's lock, so that no filter is
// added or removed later because an expression takes long. Then, with the lock held, Find returns the filters whose patterns select an event, and Answer
// what their expressions said of it. Answer evaluates nothing.
package match

import (
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Entry is a filter in an index.
type Entry[T any] struct {
	// Owner is what selects events by the filter.
	Owner      T
	tenant     gateway.TenantID
	filter     gateway.Filter
	expression *filter.Expression
}

// Index is a set of filters. One goroutine asks and finds; any may add and remove filters.
type Index[T any] struct {
	lock    sync.Locker
	filters *filter.Compiler
	left    func(owner T) bool

	tenants map[gateway.TenantID]*node[T]
	// asking is the number of filters with an expression.
	asking int
	found  []*Entry[T]

	questions []question
	answers   map[question]Answer
	spent     map[gateway.TenantID]time.Duration
	slow      map[slowExpression]bool
}

// New makes an index. lock guards it together with what belongs to the owners; it is held for every method but Ask and Done. left reports
// whether an owner evaluates its expressions by itself at present, so that they are not asked here; it is called with the lock held.
func New[T any](lock sync.Locker, filters *filter.Compiler, left func(owner T) bool) *Index[T] {
	return &Index[T]{
		lock: lock, filters: filters, left: left, tenants: map[gateway.TenantID]*node[T]{},
		answers: map[question]Answer{}, spent: map[gateway.TenantID]time.Duration{}, slow: map[slowExpression]bool{},
	}
}

// Add adds a filter of a tenant. expression is that of the filter; nil for none.
func (x *Index[T]) Add(tenant gateway.TenantID, f gateway.Filter, expression *filter.Expression, owner T) *Entry[T] {
	e := &Entry[T]{Owner: owner, tenant: tenant, filter: f, expression: expression}
	root := x.tenants[tenant]
	if root == nil {
		root = &node[T]{}
		x.tenants[tenant] = root
	}
	for _, pattern := range patternsOf(f) {
		root.add(pattern, e)
	}
	if expression != nil {
		x.asking++
	}
	return e
}

// Remove removes a filter, which must be in the index.
func (x *Index[T]) Remove(e *Entry[T]) {
	root := x.tenants[e.tenant]
	for _, pattern := range patternsOf(e.filter) {
		root.remove(segmentsOf(pattern), e)
	}
	if root.empty() {
		delete(x.tenants, e.tenant)
	}
	if e.expression != nil {
		x.asking--
	}
}

// Find returns the filters whose patterns select an event; a filter that selects it by two patterns, twice. The list is valid until the
// next call.
func (x *Index[T]) Find(event *gateway.Event) []*Entry[T] {
	clear(x.found)
	x.found = x.tenants[event.Tenant].find(event.Type, x.found[:0])
	return x.found
}
