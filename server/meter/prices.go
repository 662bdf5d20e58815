package meter

import (
	"bytes"
	"strings"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// arguments are those of a call, the value it is made on first.
type arguments [4]ref.Val

// price says what a call takes, from its arguments, before it is made. It need not look further than limit.
type price func(a arguments, limit uint64) uint64

// zonePrice is that of reading a time zone from the disk.
const zonePrice = 10_000

// prices are those of the functions whose work depends on what they are given. Others that are given more than a little
// pay for looking at it (looked).
var prices = map[string]price{
	operators.Equals:       compared,
	operators.NotEquals:    compared,
	operators.In:           found,
	operators.OldIn:        found,
	overloads.DeprecatedIn: found,
	operators.Add:          added,
	operators.Less:         looked, operators.LessEquals: looked, operators.Greater: looked, operators.GreaterEquals: looked,
	overloads.Size:     looked,
	overloads.Contains: looked, overloads.StartsWith: looked, overloads.EndsWith: looked,
	overloads.TypeConvertString: looked, overloads.TypeConvertBytes: looked,
	overloads.TypeConvertBool: parsed, overloads.TypeConvertInt: parsed, overloads.TypeConvertUint: parsed,
	overloads.TypeConvertDouble: parsed, overloads.TypeConvertDuration: parsed, overloads.TypeConvertTimestamp: parsed,
	"lowerAscii": made, "upperAscii": made, "trim": made, "reverse": made, "strings.quote": made,
	"charAt": made, "substring": made, "indexOf": searched, "lastIndexOf": searched,
	"replace": replaced, "split": split, "join": joined, "format": formatted,
	"unique": hashed, "optional.unwrap": walked, "unwrapOpt": walked, "optional.ofNonZeroValue": walked,
	"isEmail": validated, "isHostname": validated, "isIp": validated, "isIpPrefix": validated, "isUri": validated,
	"isUriRef": validated, "isHostAndPort": validated,
}

// zonedParts are the functions that may be given a time zone, by its name.
var zonedParts = map[string]bool{
	overloads.TimeGetFullYear: true, overloads.TimeGetMonth: true, overloads.TimeGetDate: true, overloads.TimeGetDayOfMonth: true,
	overloads.TimeGetDayOfWeek: true, overloads.TimeGetDayOfYear: true, overloads.TimeGetHours: true,
	overloads.TimeGetMinutes: true, overloads.TimeGetSeconds: true, overloads.TimeGetMilliseconds: true,
}

// free are the functions whose work does not depend on what they are given, and the parts of the language that are no
// calls once a program is made.
var free = map[string]bool{
	operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true, operators.Conditional: true,
	operators.NotStrictlyFalse: true, "__not_strictly_false__": true /* its old name */, operators.Negate: true,
	operators.Subtract: true, operators.Multiply: true, operators.Divide: true, operators.Modulo: true,
	operators.Index: true, operators.OptIndex: true, operators.OptSelect: true,
	overloads.TypeConvertDyn: true, overloads.TypeConvertType: true,
	"first": true, "last": true, "hasValue": true, "value": true, "or": true, "orValue": true,
	"optional.none": true, "optional.of": true, "isNan": true, "isInf": true, "getField": true,
}

// looked is for looking at every text once.
func looked(a arguments, _ uint64) uint64 {
	return (text(a[0]) + text(a[1]) + text(a[2]) + text(a[3])) / textUnit
}

// compared stops where the smaller value does.
func compared(a arguments, limit uint64) uint64 {
	if small(a[0]) || small(a[1]) {
		return 1
	}
	first := weight(a[0], limit)
	return first + min(first, weight(a[1], min(limit, first)))
}

// found compares with every element of a list; in a map, a key is hashed.
func found(a arguments, limit uint64) uint64 {
	one := 1 + weight(a[0], limit)/4
	if _, list := a[1].(traits.Lister); list {
		return one + count(a[1])*one
	}
	return one
}

// added copies texts and lists. The list that a loop builds is its own and grows in place.
func added(a arguments, _ uint64) uint64 {
	if _, grows := a[0].(traits.MutableLister); grows {
		return 1 + count(a[1])
	}
	return (text(a[0])+text(a[1]))/textUnit + count(a[0]) + count(a[1])
}

// parsed is for reading a text byte by byte.
func parsed(a arguments, _ uint64) uint64 { return text(a[0]) / 4 }

// made is for a copy, by way of one with four bytes for a character.
func made(a arguments, _ uint64) uint64 { return text(a[0]) / 2 }

// searched compares at every place.
func searched(a arguments, _ uint64) uint64 { return text(a[0])/2 + text(a[0])*text(a[1])/textUnit }

// validated is for functions that try several ways of reading a text.
func validated(a arguments, _ uint64) uint64 { return 2 + text(a[0])*4 }

// hashed puts all elements into a set.
func hashed(a arguments, limit uint64) uint64 { return 2 * weight(a[0], limit) }

func walked(a arguments, limit uint64) uint64 { return weight(a[0], limit) }

func zoned(a arguments, _ uint64) uint64 { return zonePrice + text(a[1])/textUnit }

// replaced is for the result, which may be the product of two texts.
func replaced(a arguments, limit uint64) uint64 {
	whole, ok := a[0].(types.String)
	old, ok2 := a[1].(types.String)
	if !ok || !ok2 {
		return 1
	}
	times := occurrences(string(whole), string(old), a[3])
	return (text(a[0])+text(a[1])+text(a[2]))/textUnit + capped(times, text(a[2]), limit*textUnit)/textUnit
}

// split is for the parts, each with its place in the list.
func split(a arguments, limit uint64) uint64 {
	whole, ok := a[0].(types.String)
	separator, ok2 := a[1].(types.String)
	if !ok || !ok2 {
		return 1
	}
	return text(a[0])/textUnit + 2*(1+occurrences(string(whole), string(separator), a[2]))
}

// occurrences counts a text in another, at most most, when that is given and not negative.
func occurrences(in, of string, most ref.Val) uint64 {
	n := uint64(strings.Count(in, of))
	if most, ok := most.(types.Int); ok && most >= 0 {
		n = min(n, uint64(most))
	}
	return n
}

// joined is for the result: all texts of the list, and as many separators.
func joined(a arguments, limit uint64) uint64 {
	return 2*weight(a[0], limit) + capped(count(a[0]), text(a[1]), limit*textUnit)/textUnit
}

// formatted is for the result: every value once, in its longest form, and the precision of every number.
func formatted(a arguments, limit uint64) uint64 {
	format, ok := a[0].(types.String)
	if !ok {
		return 1
	}
	return text(a[0])/4 + 8*weight(a[1], limit) + precisions([]byte(format), limit)
}

// precisions adds up the numbers after points in a format.
func precisions(format []byte, limit uint64) (total uint64) {
	for {
		_, rest, ok := bytes.Cut(format, []byte{'.'})
		if !ok || total > limit {
			return total
		}
		var digits uint64
		for len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			digits = min(10*digits+uint64(rest[0]-'0'), limit)
			rest = rest[1:]
		}
		total, format = total+digits, rest
	}
}

// capped multiplies up to a limit.
func capped(a, b, limit uint64) uint64 {
	if b != 0 && a > limit/b {
		return limit + textUnit
	}
	return a * b
}
