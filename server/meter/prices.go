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

// arguments are the arguments of a call; the receiver is the first one.
type arguments [4]ref.Val

// price returns the price of a call from its arguments, before the call. It may stop counting above limit.
type price func(a arguments, limit uint64) uint64

// zonePrice is the price of reading a time zone from disk.
const zonePrice = 10_000

// prices has the functions whose work depends on their arguments. Other functions are charged for reading large arguments
// (looked).
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

// zonedParts has the functions that accept the name of a time zone.
var zonedParts = map[string]bool{
	overloads.TimeGetFullYear: true, overloads.TimeGetMonth: true, overloads.TimeGetDate: true, overloads.TimeGetDayOfMonth: true,
	overloads.TimeGetDayOfWeek: true, overloads.TimeGetDayOfYear: true, overloads.TimeGetHours: true,
	overloads.TimeGetMinutes: true, overloads.TimeGetSeconds: true, overloads.TimeGetMilliseconds: true,
}

// free has the functions whose work does not depend on their arguments, and the parts of the language that are no calls in a
// program.
var free = map[string]bool{
	operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true, operators.Conditional: true,
	operators.NotStrictlyFalse: true, "__not_strictly_false__": true /* its old name */, operators.Negate: true,
	operators.Subtract: true, operators.Multiply: true, operators.Divide: true, operators.Modulo: true,
	operators.Index: true, operators.OptIndex: true, operators.OptSelect: true,
	overloads.TypeConvertDyn: true, overloads.TypeConvertType: true,
	"first": true, "last": true, "hasValue": true, "value": true, "or": true, "orValue": true,
	"optional.none": true, "optional.of": true, "isNan": true, "isInf": true, "getField": true,
}

// looked is the price of reading every text once.
func looked(a arguments, _ uint64) uint64 {
	return (text(a[0]) + text(a[1]) + text(a[2]) + text(a[3])) / textUnit
}

// compared is the price of a comparison, which ends where the smaller value ends.
func compared(a arguments, limit uint64) uint64 {
	if small(a[0]) || small(a[1]) {
		return 1
	}
	first := weight(a[0], limit)
	return first + min(first, weight(a[1], min(limit, first)))
}

// found is the price of `in`: a list compares every element, a map hashes the key.
func found(a arguments, limit uint64) uint64 {
	one := 1 + weight(a[0], limit)/4
	if _, list := a[1].(traits.Lister); list {
		return one + count(a[1])*one
	}
	return one
}

// added is the price of `+`, which copies texts and lists. A list that a loop builds grows in place.
func added(a arguments, _ uint64) uint64 {
	if _, grows := a[0].(traits.MutableLister); grows {
		return 1 + count(a[1])
	}
	return (text(a[0])+text(a[1]))/textUnit + count(a[0]) + count(a[1])
}

// parsed is the price of parsing a text byte by byte.
func parsed(a arguments, _ uint64) uint64 { return text(a[0]) / 4 }

// made is the price of a copy through a buffer with four bytes per character.
func made(a arguments, _ uint64) uint64 { return text(a[0]) / 2 }

// searched is the price of a search that compares at every place.
func searched(a arguments, _ uint64) uint64 { return text(a[0])/2 + text(a[0])*text(a[1])/textUnit }

// validated is the price of functions that parse a text in several ways.
func validated(a arguments, _ uint64) uint64 { return 2 + text(a[0])*4 }

// hashed is the price of adding all elements to a set.
func hashed(a arguments, limit uint64) uint64 { return 2 * weight(a[0], limit) }

func walked(a arguments, limit uint64) uint64 { return weight(a[0], limit) }

func zoned(a arguments, _ uint64) uint64 { return zonePrice + text(a[1])/textUnit }

// replaced is the price of the result, whose length may be the product of two texts.
func replaced(a arguments, limit uint64) uint64 {
	whole, ok := a[0].(types.String)
	old, ok2 := a[1].(types.String)
	if !ok || !ok2 {
		return 1
	}
	times := occurrences(string(whole), string(old), a[3])
	return (text(a[0])+text(a[1])+text(a[2]))/textUnit + capped(times, text(a[2]), limit*textUnit)/textUnit
}

// split is the price of the parts and of the list that has them.
func split(a arguments, limit uint64) uint64 {
	whole, ok := a[0].(types.String)
	separator, ok2 := a[1].(types.String)
	if !ok || !ok2 {
		return 1
	}
	return text(a[0])/textUnit + 2*(1+occurrences(string(whole), string(separator), a[2]))
}

// occurrences counts a text in another. most, if it is given and not negative, limits the count.
func occurrences(in, of string, most ref.Val) uint64 {
	n := uint64(strings.Count(in, of))
	if most, ok := most.(types.Int); ok && most >= 0 {
		n = min(n, uint64(most))
	}
	return n
}

// joined is the price of the result: all texts of the list and their separators.
func joined(a arguments, limit uint64) uint64 {
	return 2*weight(a[0], limit) + capped(count(a[0]), text(a[1]), limit*textUnit)/textUnit
}

// formatted is the price of the result: every value once, in its longest form, and the precision of every number.
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
