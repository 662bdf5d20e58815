package deliver

import (
	"slices"
	"strings"

	"github.com/postrider-dev/postrider/server/gateway"
)

// index finds the lanes whose filter selects an event, without asking each.
type index map[gateway.TenantID]*tenantIndex

type tenantIndex struct {
	exact map[string][]*lane
	// prefix is keyed by the pattern without its star: "order.".
	prefix map[string][]*lane
	all    []*lane
}

func (x index) add(tenant gateway.TenantID, f gateway.Filter, l *lane) {
	t := x[tenant]
	if t == nil {
		t = &tenantIndex{exact: map[string][]*lane{}, prefix: map[string][]*lane{}}
		x[tenant] = t
	}
	if f.MatchesAll() {
		t.all = append(t.all, l)
		return
	}
	for _, pattern := range f.Types {
		if prefix, open := strings.CutSuffix(pattern, "*"); open {
			t.prefix[prefix] = append(t.prefix[prefix], l)
		} else {
			t.exact[pattern] = append(t.exact[pattern], l)
		}
	}
}

func (x index) remove(tenant gateway.TenantID, f gateway.Filter, l *lane) {
	t := x[tenant]
	if t == nil {
		return
	}
	if f.MatchesAll() {
		t.all = without(t.all, l)
		return
	}
	for _, pattern := range f.Types {
		if prefix, open := strings.CutSuffix(pattern, "*"); open {
			removeFrom(t.prefix, prefix, l)
		} else {
			removeFrom(t.exact, pattern, l)
		}
	}
}

func removeFrom(m map[string][]*lane, key string, l *lane) {
	if rest := without(m[key], l); len(rest) > 0 {
		m[key] = rest
	} else {
		delete(m, key)
	}
}

// without removes one lane; order does not matter.
func without(lanes []*lane, l *lane) []*lane {
	i := slices.Index(lanes, l)
	if i < 0 {
		return lanes
	}
	last := len(lanes) - 1
	lanes[i], lanes[last] = lanes[last], nil
	return lanes[:last]
}

// match calls found with each lane that selects the event; with a lane that selects it by two patterns, twice.
func (x index) match(event *gateway.Event, found func(*lane)) {
	t := x[event.Tenant]
	if t == nil {
		return
	}
	for _, l := range t.all {
		found(l)
	}
	for _, l := range t.exact[event.Type] {
		found(l)
	}
	if len(t.prefix) == 0 {
		return
	}
	for i := range len(event.Type) {
		if event.Type[i] == '.' {
			for _, l := range t.prefix[event.Type[:i+1]] {
				found(l)
			}
		}
	}
}
