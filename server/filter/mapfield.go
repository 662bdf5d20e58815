package filter

import (
	"math"
	"reflect"
	"sync"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// mapField is a map of a message as a CEL value. A look-up reads one entry. All entries are read only for operations that
// need them all.
type mapField struct {
	typing  *typing
	field   protoreflect.FieldDescriptor
	entries protoreflect.Map

	read  sync.Once
	whole traits.Mapper
}

// all is the map with every entry read.
func (m *mapField) all() traits.Mapper {
	m.read.Do(func() {
		values := make(map[ref.Val]ref.Val, m.entries.Len())
		m.entries.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
			values[m.typing.NativeToValue(key.Interface())] = m.value(value)
			return true
		})
		m.whole = types.NewRefValMap(m.typing, values)
	})
	return m.whole
}

func (m *mapField) value(of protoreflect.Value) ref.Val {
	native, err := m.typing.fieldValue(m.field.MapValue(), of)
	if err != nil {
		return types.WrapErr(err)
	}
	return m.typing.NativeToValue(native)
}

// Find looks up one entry.
func (m *mapField) Find(key ref.Val) (ref.Val, bool) {
	at, ok := m.key(key)
	if !ok {
		return m.all().Find(key)
	}
	if !m.entries.Has(at) {
		return nil, false
	}
	return m.value(m.entries.Get(at)), true
}

// key returns a key as the map has it. It finds no key of another type, even if CEL considers the two equal.
func (m *mapField) key(key ref.Val) (protoreflect.MapKey, bool) {
	kind := m.field.MapKey().Kind()
	switch k := key.(type) {
	case types.String:
		return protoreflect.ValueOfString(string(k)).MapKey(), kind == protoreflect.StringKind
	case types.Bool:
		return protoreflect.ValueOfBool(bool(k)).MapKey(), kind == protoreflect.BoolKind
	case types.Int:
		switch kind {
		case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
			return protoreflect.ValueOfInt64(int64(k)).MapKey(), true
		case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
			return protoreflect.ValueOfInt32(int32(k)).MapKey(), math.MinInt32 <= k && k <= math.MaxInt32
		}
	}
	return protoreflect.MapKey{}, false
}

// Get is Find, and fails if there is no such entry.
func (m *mapField) Get(key ref.Val) ref.Val {
	if value, ok := m.Find(key); ok {
		return value
	}
	return types.ValOrErr(key, "no such key: %v", key)
}

// Contains reports whether there is an entry.
func (m *mapField) Contains(key ref.Val) ref.Val {
	_, ok := m.Find(key)
	return types.Bool(ok)
}

// Size counts the entries.
func (m *mapField) Size() ref.Val { return types.Int(m.entries.Len()) }

// Iterator iterates over the keys.
func (m *mapField) Iterator() traits.Iterator { return m.all().Iterator() }

// Equal compares entry by entry.
func (m *mapField) Equal(other ref.Val) ref.Val { return m.all().Equal(other) }

// ConvertToNative converts all entries.
func (m *mapField) ConvertToNative(to reflect.Type) (any, error) { return m.all().ConvertToNative(to) }

// ConvertToType converts to a map, and to `type`.
func (m *mapField) ConvertToType(to ref.Type) ref.Val { return m.all().ConvertToType(to) }

// Type returns the type of maps.
func (m *mapField) Type() ref.Type { return types.MapType }

// Value returns the map itself.
func (m *mapField) Value() any { return m.all().Value() }

var _ traits.Mapper = (*mapField)(nil)
