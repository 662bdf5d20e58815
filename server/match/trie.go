package match

import (
	"slices"
	"strings"

	"github.com/postrider-dev/postrider/server/gateway"
)

// node stands for the first segments of an event type.
type node[T any] struct {
	next map[string]*node[T]
	// exact are the filters that select the type itself, below those that select every longer type.
	exact, below []*Entry[T]
}

// find appends the filters whose patterns select a type. A filter comes as often as its patterns select the type.
func (n *node[T]) find(eventType string, found []*Entry[T]) []*Entry[T] {
	rest, more := eventType, true
	for n != nil {
		if !more {
			return append(found, n.exact...)
		}
		found = append(found, n.below...)
		var segment string
		segment, rest, more = strings.Cut(rest, ".")
		n = n.next[segment]
	}
	return found
}

func (n *node[T]) add(pattern string, e *Entry[T]) {
	for _, segment := range segmentsOf(pattern) {
		child := n.next[segment]
		if child == nil {
			child = &node[T]{}
			if n.next == nil {
				n.next = map[string]*node[T]{}
			}
			n.next[segment] = child
		}
		n = child
	}
	if strings.HasSuffix(pattern, "*") {
		n.below = append(n.below, e)
	} else {
		n.exact = append(n.exact, e)
	}
}

// remove removes a filter from the node that the segments lead to, and the nodes on the path that are empty then.
func (n *node[T]) remove(segments []string, e *Entry[T]) {
	if len(segments) == 0 {
		n.exact, n.below = without(n.exact, e), without(n.below, e)
		return
	}
	child := n.next[segments[0]]
	if child == nil {
		return
	}
	if child.remove(segments[1:], e); child.empty() {
		delete(n.next, segments[0])
	}
}

func (n *node[T]) empty() bool { return len(n.next) == 0 && len(n.exact) == 0 && len(n.below) == 0 }

// without removes one filter; order does not matter.
func without[T any](entries []*Entry[T], e *Entry[T]) []*Entry[T] {
	i := slices.Index(entries, e)
	if i < 0 {
		return entries
	}
	last := len(entries) - 1
	entries[i], entries[last] = entries[last], nil
	return entries[:last]
}

func patternsOf(f gateway.Filter) []string {
	if f.MatchesAll() {
		return []string{"*"}
	}
	return f.Types
}

// segmentsOf splits a pattern without its star.
func segmentsOf(pattern string) []string {
	if pattern == "*" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(pattern, ".*"), ".")
}
