package filter

import (
	"time"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/proto"
)

// costLimit is what the evaluation of an expression on one event may cost. A step costs one; who looks at text or makes
// some, one for every textPerCost bytes.
const (
	costLimit   = 20_000
	textPerCost = 10
)

// maxTime bounds the evaluation of an expression that loops over an event with more than largeData bytes.
const (
	maxTime   = 2 * time.Second
	largeData = 4 << 10
)

// costs charges calls by what they look at and what they make. CEL's own count is blind where the types of the operands are
// only known in the evaluation, as in untyped data: there a text may be joined to itself for the price of one step.
type costs struct{}

// CallCost answers the cost of one call.
func (costs) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	cost := uint64(1)
	switch function {
	case operators.Index, operators.OptIndex, operators.OptSelect:
	case operators.Equals, operators.NotEquals:
		cost += min(weight(args[0], costLimit), weight(args[1], costLimit))
	case operators.In:
		cost += textCost(args[0])
		if list, ok := args[1].(traits.Lister); ok {
			cost += size(list) * cost
		}
	case overloads.Matches:
		cost += (1 + textCost(args[0])) * (1 + textCost(args[1]))
	default:
		for _, argument := range args {
			cost += textCost(argument)
		}
		cost += textCost(result)
	}
	return &cost
}

// textCost is that of looking at a text once; nothing for other values.
func textCost(value ref.Val) uint64 {
	switch v := value.(type) {
	case types.String:
		return uint64(len(v)) / textPerCost
	case types.Bytes:
		return uint64(len(v)) / textPerCost
	default:
		return 0
	}
}

func size(of traits.Sizer) uint64 {
	if n, ok := of.Size().(types.Int); ok && n > 0 {
		return uint64(n)
	}
	return 0
}

// weight is the cost of looking at a value with all it holds; it stops looking above a limit.
func weight(value ref.Val, limit uint64) uint64 {
	switch v := value.(type) {
	case *object:
		return uint64(proto.Size(v.message.Interface())) / textPerCost
	case traits.Mapper:
		return weightOfAll(v.Iterator(), v.Get, limit)
	case traits.Lister:
		return weightOfAll(v.Iterator(), func(element ref.Val) ref.Val { return element }, limit)
	default:
		return textCost(value)
	}
}

func weightOfAll(elements traits.Iterator, held func(ref.Val) ref.Val, limit uint64) (total uint64) {
	for elements.HasNext() == types.True && total < limit {
		total += 1 + weight(held(elements.Next()), limit-total)
	}
	return total
}
