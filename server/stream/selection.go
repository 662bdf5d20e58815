package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// filterSet is a set of the filters of a stream: bit i stands for the filter at index i.
type filterSet uint32

// selection holds the compiled filters of a stream.
type selection struct {
	filters     []gateway.Filter
	expressions []*filter.Expression
	// patterns is a filter with the patterns of all filters, for reading the log.
	patterns gateway.Filter
}

// newSelection compiles filters. An error names the field of the request.
func newSelection(ctx context.Context, compiler *filter.Compiler, tenant gateway.TenantID, filters []Filter) (*selection, error) {
	if len(filters) > MaxFilters {
		return nil, gateway.FieldError("filters", "may be %d", MaxFilters)
	}
	if len(filters) == 0 {
		filters = []Filter{{}}
	}
	s := &selection{}
	for i, one := range filters {
		report, err := compiler.Check(ctx, tenant, one.Filter)
		if err != nil {
			return nil, err
		}
		if err := report.Err(expressionField(one, i)); err != nil {
			return nil, err
		}
		s.filters = append(s.filters, one.Filter)
		s.expressions = append(s.expressions, compiler.Expression(one.Expression))
	}
	s.patterns = allPatterns(s.filters)
	return s, nil
}

// text returns the total length of the expressions.
func (s *selection) text() (bytes int) {
	for _, one := range s.filters {
		bytes += len(one.Expression)
	}
	return bytes
}

func expressionField(f Filter, index int) string {
	if f.Name == "" {
		return "expression"
	}
	return fmt.Sprintf("filters[%d].expression", index)
}

// allPatterns returns a filter that selects the types of all filters.
func allPatterns(filters []gateway.Filter) gateway.Filter {
	var all gateway.Filter
	for _, one := range filters {
		if one.MatchesAll() {
			return gateway.Filter{}
		}
		all.Types = append(all.Types, one.Types...)
	}
	slices.Sort(all.Types)
	all.Types = slices.Compact(all.Types)
	return all
}

// verdict is the result of matching an event with the filters of a stream.
type verdict struct {
	// set holds the filters that select the event. A filter whose expression fails does not select it.
	set filterSet
	// costly means that an expression took long. over is the error if one exceeded its budget.
	costly bool
	over   error
}

// match matches an event of the stream's tenant with the filters. It may wait for its turn.
func (s *selection) match(compiler *filter.Compiler, event *gateway.Event) (v verdict) {
	var subject *filter.Subject
	for i := range s.filters {
		if !s.filters[i].Match(event.Type) {
			continue
		}
		if s.expressions[i] == nil {
			v.set |= 1 << i
			continue
		}
		if subject == nil { // kept for all filters, but not longer: a decoded large payload takes much memory
			subject = compiler.Subject(event)
		}
		one := s.expressions[i].Match(subject)
		if one.Matched {
			v.set |= 1 << i
		}
		if one.Exceeded {
			v.over = one.Err
		}
		v.costly = v.costly || one.Costly
	}
	return v
}

// filterNames returns the names for a set of filters. It caches the lists.
type filterNames struct {
	names []string
	known map[filterSet][]string
}

// newFilterNames returns nil when the filters have no names.
func newFilterNames(filters []Filter) *filterNames {
	if len(filters) == 0 || filters[0].Name == "" {
		return nil
	}
	n := &filterNames{known: map[filterSet][]string{}}
	for _, one := range filters {
		n.names = append(n.names, one.Name)
	}
	return n
}

// maxKnownNames bounds the lists that are cached for a stream.
const maxKnownNames = 64

func (n *filterNames) of(set filterSet) []string {
	if n == nil {
		return nil
	}
	if known, ok := n.known[set]; ok {
		return known
	}
	var names []string
	for i, name := range n.names {
		if set&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(n.known) < maxKnownNames {
		n.known[set] = names
	}
	return names
}
