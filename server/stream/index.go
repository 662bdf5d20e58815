package stream

import (
	"slices"
	"strings"

	"github.com/postrider-dev/postrider/server/gateway"
)

// index finds the topics whose patterns select an event's type, in as many steps as the type has segments.
type index map[gateway.TenantID]*node

// node stands for the first segments of a type.
type node struct {
	next map[string]*node
	// exact are interested in the type itself, below in every longer one.
	exact, below []interest
}

// interest is that of one filter of a topic.
type interest struct {
	topic  *topic
	filter int
}

func (x index) add(t *topic) {
	root := x[t.tenant]
	if root == nil {
		root = &node{}
		x[t.tenant] = root
	}
	for i, one := range t.selection.filters {
		for _, pattern := range patternsOf(one) {
			at, below := root.find(pattern)
			if below {
				at.below = append(at.below, interest{t, i})
			} else {
				at.exact = append(at.exact, interest{t, i})
			}
		}
	}
}

func (x index) remove(t *topic) {
	root := x[t.tenant]
	for _, one := range t.selection.filters {
		for _, pattern := range patternsOf(one) {
			root.remove(t, segmentsOf(pattern))
		}
	}
	if root.empty() {
		delete(x, t.tenant)
	}
}

// match appends who is interested in an event. A filter comes as often as its patterns select the event.
func (x index) match(event *gateway.Event, found []interest) []interest {
	rest, more := event.Type, true
	for at := x[event.Tenant]; at != nil; {
		if !more {
			return append(found, at.exact...)
		}
		found = append(found, at.below...)
		var segment string
		segment, rest, more = strings.Cut(rest, ".")
		at = at.next[segment]
	}
	return found
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

// find returns the node of a pattern, which it makes if need be, and whether the pattern is for longer types.
func (n *node) find(pattern string) (at *node, below bool) {
	for _, segment := range segmentsOf(pattern) {
		child := n.next[segment]
		if child == nil {
			child = &node{}
			if n.next == nil {
				n.next = map[string]*node{}
			}
			n.next[segment] = child
		}
		n = child
	}
	return n, strings.HasSuffix(pattern, "*")
}

// remove takes a topic's interests out of the node below this one that the segments name, and nodes nobody needs with it.
func (n *node) remove(t *topic, segments []string) {
	if len(segments) == 0 {
		ofTopic := func(in interest) bool { return in.topic == t }
		n.exact, n.below = slices.DeleteFunc(n.exact, ofTopic), slices.DeleteFunc(n.below, ofTopic)
		return
	}
	child := n.next[segments[0]]
	if child == nil {
		return
	}
	if child.remove(t, segments[1:]); child.empty() {
		delete(n.next, segments[0])
	}
}

func (n *node) empty() bool { return len(n.next) == 0 && len(n.exact) == 0 && len(n.below) == 0 }
