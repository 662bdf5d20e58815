package meter

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// textUnit is the number of bytes that are read or produced per unit, hashUnit the number that are hashed.
	textUnit = 16
	hashUnit = 512
	// smallText is the length of texts that are included in the price of a step.
	smallText = 64
)

// small reports whether reading a value is included in the price of a step.
func small(value ref.Val) bool {
	switch v := value.(type) {
	case nil, types.Int, types.Uint, types.Double, types.Bool, types.Null, types.Timestamp, types.Duration, *types.Type, *types.Err, *types.Unknown:
		return true
	case types.String:
		return len(v) <= smallText
	case types.Bytes:
		return len(v) <= smallText
	default:
		return false
	}
}

// text returns the length of a text in bytes; 0 for other values.
func text(value ref.Val) uint64 {
	switch v := value.(type) {
	case types.String:
		return uint64(len(v))
	case types.Bytes:
		return uint64(len(v))
	default:
		return 0
	}
}

// count returns the number of entries of a list or map; 0 for other values.
func count(value ref.Val) uint64 {
	switch value.(type) {
	case types.String, types.Bytes:
		return 0
	}
	if sizer, ok := value.(traits.Sizer); ok {
		if n, ok := sizer.Size().(types.Int); ok && n > 0 {
			return uint64(n)
		}
	}
	return 0
}

// weight returns the price of reading a value with all its contents. It stops counting above limit.
func weight(value ref.Val, limit uint64) uint64 {
	switch v := value.(type) {
	case types.String, types.Bytes:
		return 1 + text(value)/textUnit
	case traits.Mapper:
		total := 2 * count(v)
		return total + weightOfAll(v.Iterator(), v.Get, limit-min(total, limit))
	case traits.Lister:
		return weightOfAll(v.Iterator(), func(element ref.Val) ref.Val { return element }, limit)
	case *types.Optional:
		if v.HasValue() {
			return 1 + weight(v.GetValue(), limit)
		}
		return 1
	}
	if message, ok := messageOf(value); ok {
		return weightOfMessage(message, limit)
	}
	return 1
}

// weightOfAll returns the sum over the elements, at least two for each.
func weightOfAll(elements traits.Iterator, held func(ref.Val) ref.Val, limit uint64) (total uint64) {
	for total < limit && elements.HasNext() == types.True {
		total += 1 + weight(held(elements.Next()), limit-total)
	}
	return total
}

func messageOf(value ref.Val) (protoreflect.Message, bool) {
	switch v := value.Value().(type) {
	case protoreflect.Message:
		return v, true
	case proto.Message:
		return v.ProtoReflect(), true
	default:
		return nil, false
	}
}

func weightOfMessage(m protoreflect.Message, limit uint64) uint64 {
	total := 2 + uint64(len(m.GetUnknown()))/textUnit
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		total += 1 + weightOfField(field, value, limit-min(total, limit))
		return total < limit
	})
	return total
}

func weightOfField(field protoreflect.FieldDescriptor, value protoreflect.Value, limit uint64) (total uint64) {
	switch {
	case field.IsList():
		list := value.List()
		for i := 0; i < list.Len() && total < limit; i++ {
			total += 1 + weightOfValue(list.Get(i), limit-total)
		}
		return total
	case field.IsMap():
		value.Map().Range(func(key protoreflect.MapKey, entry protoreflect.Value) bool {
			total += 3 + weightOfValue(key.Value(), limit-total)
			total += weightOfValue(entry, limit-min(total, limit))
			return total < limit
		})
		return total
	default:
		return weightOfValue(value, limit)
	}
}

func weightOfValue(value protoreflect.Value, limit uint64) uint64 {
	switch v := value.Interface().(type) {
	case string:
		return uint64(len(v)) / textUnit
	case []byte:
		return uint64(len(v)) / textUnit
	case protoreflect.Message:
		return weightOfMessage(v, limit)
	default:
		return 0
	}
}
