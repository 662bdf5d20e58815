package codec

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// jsonList is a list in a jsonMessage.
type jsonList struct{ values []protoreflect.Value }

// Len counts the values.
func (l *jsonList) Len() int { return len(l.values) }

// Get returns a value.
func (l *jsonList) Get(i int) protoreflect.Value { return l.values[i] }

// IsValid is true: a field that is not set has a list of another kind.
func (l *jsonList) IsValid() bool { return true }

// Set panics.
func (l *jsonList) Set(int, protoreflect.Value) { panic(unchangeable) }

// Append panics.
func (l *jsonList) Append(protoreflect.Value) { panic(unchangeable) }

// AppendMutable panics.
func (l *jsonList) AppendMutable() protoreflect.Value { panic(unchangeable) }

// Truncate panics.
func (l *jsonList) Truncate(int) { panic(unchangeable) }

// NewElement panics.
func (l *jsonList) NewElement() protoreflect.Value { panic(unchangeable) }

// jsonMap is a map in a jsonMessage, in the order of its keys.
type jsonMap struct {
	field *field
	pairs []pair
}

type pair struct {
	key   protoreflect.MapKey
	value protoreflect.Value
}

// settle puts the pairs in order.
func (m *jsonMap) settle() {
	slices.SortFunc(m.pairs, func(a, b pair) int { return m.field.compareKeys(a.key, b.key) })
}

func (m *jsonMap) find(key protoreflect.MapKey) (value protoreflect.Value) {
	at, found := slices.BinarySearchFunc(m.pairs, key, func(one pair, key protoreflect.MapKey) int {
		return m.field.compareKeys(one.key, key)
	})
	if found {
		value = m.pairs[at].value
	}
	return value
}

// Len counts the entries.
func (m *jsonMap) Len() int { return len(m.pairs) }

// Range goes through the entries.
func (m *jsonMap) Range(yield func(protoreflect.MapKey, protoreflect.Value) bool) {
	for _, one := range m.pairs {
		if !yield(one.key, one.value) {
			return
		}
	}
}

// Has reports whether there is an entry.
func (m *jsonMap) Has(key protoreflect.MapKey) bool { return m.find(key).IsValid() }

// Get returns the value of an entry, an invalid one for none.
func (m *jsonMap) Get(key protoreflect.MapKey) protoreflect.Value { return m.find(key) }

// IsValid is true: a field that is not set has a map of another kind.
func (m *jsonMap) IsValid() bool { return true }

// Clear panics.
func (m *jsonMap) Clear(protoreflect.MapKey) { panic(unchangeable) }

// Set panics.
func (m *jsonMap) Set(protoreflect.MapKey, protoreflect.Value) { panic(unchangeable) }

// Mutable panics.
func (m *jsonMap) Mutable(protoreflect.MapKey) protoreflect.Value { panic(unchangeable) }

// NewValue panics.
func (m *jsonMap) NewValue() protoreflect.Value { panic(unchangeable) }
