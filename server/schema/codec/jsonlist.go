package codec

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// jsonList is a list in a jsonMessage.
type jsonList struct{ values []protoreflect.Value }

// Len returns the number of values.
func (l *jsonList) Len() int { return len(l.values) }

// Get returns a value.
func (l *jsonList) Get(i int) protoreflect.Value { return l.values[i] }

// IsValid returns true: the list of an unset field has another type.
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

// jsonMap is a map in a jsonMessage, ordered by key.
type jsonMap struct {
	field *field
	pairs []pair
}

type pair struct {
	key   protoreflect.MapKey
	value protoreflect.Value
}

// settle sorts the pairs.
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

// Len returns the number of entries.
func (m *jsonMap) Len() int { return len(m.pairs) }

// Range iterates over the entries.
func (m *jsonMap) Range(yield func(protoreflect.MapKey, protoreflect.Value) bool) {
	for _, one := range m.pairs {
		if !yield(one.key, one.value) {
			return
		}
	}
}

// Has reports whether there is an entry for the key.
func (m *jsonMap) Has(key protoreflect.MapKey) bool { return m.find(key).IsValid() }

// Get returns the value of an entry, an invalid value if there is none.
func (m *jsonMap) Get(key protoreflect.MapKey) protoreflect.Value { return m.find(key) }

// IsValid returns true: the map of an unset field has another type.
func (m *jsonMap) IsValid() bool { return true }

// Clear panics.
func (m *jsonMap) Clear(protoreflect.MapKey) { panic(unchangeable) }

// Set panics.
func (m *jsonMap) Set(protoreflect.MapKey, protoreflect.Value) { panic(unchangeable) }

// Mutable panics.
func (m *jsonMap) Mutable(protoreflect.MapKey) protoreflect.Value { panic(unchangeable) }

// NewValue panics.
func (m *jsonMap) NewValue() protoreflect.Value { panic(unchangeable) }
