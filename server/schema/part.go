package schema

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// maxHolders bounds the messages that are named for a part.
const maxHolders = 5

// Parts maps the types that are parts of events, and probably no events themselves, to messages that hold them, at most 5 by
// name. Registering every message of a file makes types of such messages, too. A type is a part if payloads of other types
// can hold its message, unless the message is marked as an event, has another name than the type, or is on a cycle that
// nothing outside holds: one of the messages on it must be the event. Parts is computed once for a snapshot. Files that
// cannot be read have no parts.
func (s *Snapshot) Parts() map[string][]string {
	s.partsOnce.Do(func() { s.parts = findParts(slices.Collect(maps.Values(s.latest))) })
	return s.parts
}

func findParts(types []*Type) map[string][]string {
	g := &messageGraph{holds: make(map[string][]string), marked: make(map[string]bool)}
	read := make(map[*byte]bool)
	for _, one := range types {
		if first := one.firstByte(); first != nil && !read[first] {
			read[first] = true
			g.read(one.files)
		}
	}
	events := make(map[string]bool)
	w := &walk{messageGraph: g, seen: make(map[string]*place)}
	for _, one := range types {
		w.visit(one.message)
		if one.name != one.message || g.marked[one.message] {
			events[one.message] = true
		}
	}
	holders := w.holders(events)
	parts := make(map[string][]string)
	for _, one := range types {
		if by := holders[one.message]; len(by) > 0 && !events[one.message] {
			slices.Sort(by)
			by = slices.Compact(by)
			parts[one.name] = by[:min(len(by), maxHolders)]
		}
	}
	return parts
}

// messageGraph says which messages have which others in their fields, by full name.
type messageGraph struct {
	holds  map[string][]string
	marked map[string]bool
}

// read adds the messages of a set. It does not compile them, which would take far longer than a list of types may take.
func (g *messageGraph) read(files []byte) {
	set := &descriptorpb.FileDescriptorSet{}
	if proto.Unmarshal(files, set) != nil {
		return
	}
	imported := compile.ImportsOption(set)
	for _, file := range set.GetFile() {
		if compile.IsShared(file.GetName()) {
			continue
		}
		scope := ""
		if file.GetPackage() != "" {
			scope = file.GetPackage() + "."
		}
		g.add(scope, file.GetMessageType(), imported)
	}
}

func (g *messageGraph) add(scope string, messages []*descriptorpb.DescriptorProto, imported bool) {
	for _, message := range messages {
		name := scope + message.GetName()
		if message.GetOptions().GetMapEntry() {
			name = strings.TrimSuffix(scope, ".") // a map is a field of the message that declares it
		}
		if imported && compile.HasOption(message) {
			g.marked[name] = true
		}
		for _, field := range message.GetField() {
			if held := strings.TrimPrefix(field.GetTypeName(), "."); held != "" {
				g.holds[name] = append(g.holds[name], held)
			}
		}
		g.add(name+".", message.GetNestedType(), imported)
	}
}

// place is where a walk is in a message: the order in which it was found, the first one found that it leads back to, and the
// cycle it is on, 0 until that is known.
type place struct{ order, low, cycle int }

// walk finds what types hold, and the cycles in that, as Tarjan does.
type walk struct {
	*messageGraph
	seen   map[string]*place
	stack  []string
	cycles int
}

func (w *walk) visit(message string) *place {
	if at := w.seen[message]; at != nil {
		return at
	}
	at := &place{order: len(w.seen), low: len(w.seen)}
	w.seen[message] = at
	w.stack = append(w.stack, message)
	for _, held := range w.holds[message] {
		if found := w.visit(held); found.cycle == 0 {
			at.low = min(at.low, found.low)
		}
	}
	if at.low == at.order {
		w.cycles++
		for at.cycle == 0 {
			last := w.stack[len(w.stack)-1]
			w.stack = w.stack[:len(w.stack)-1]
			w.seen[last].cycle = w.cycles
		}
	}
	return at
}

// holders returns the messages that have each part in a field. What is on a cycle is a part if something outside holds the
// cycle, or if one of events is on it.
func (w *walk) holders(events map[string]bool) map[string][]string {
	held := make(map[int]bool)
	for message, at := range w.seen {
		held[at.cycle] = held[at.cycle] || events[message]
		for _, other := range w.holds[message] {
			if to := w.seen[other].cycle; to != at.cycle {
				held[to] = true
			}
		}
	}
	found := make(map[string][]string)
	for message := range w.seen {
		for _, other := range w.holds[message] {
			if other != message && held[w.seen[other].cycle] {
				found[other] = append(found[other], message)
			}
		}
	}
	return found
}
