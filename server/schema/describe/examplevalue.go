package describe

import (
	"math"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// numberExample returns a number within its bounds, near 1 where they allow it.
func numberExample(kind protoreflect.Kind, rules protoreflect.Message, i int) protoreflect.Value {
	switch kind {
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(between(rules, 1.5, protoreflect.Value.Float, floatStep) + float64(i)))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(between(rules, 1.5, protoreflect.Value.Float, floatStep) + float64(i))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(between(rules, 1, protoreflect.Value.Uint, 1) + uint64(i)))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(between(rules, 1, protoreflect.Value.Uint, 1) + uint64(i))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(between(rules, 1, protoreflect.Value.Int, 1) + int64(i))
	default:
		return protoreflect.ValueOfInt32(int32(between(rules, 1, protoreflect.Value.Int, 1)) + int32(i))
	}
}

const floatStep = 0.25

// between returns a number within the bounds of the rules, near wish. If the lower bound is above the upper one, the bounds
// exclude the numbers between them; then the result is above the lower bound.
func between[N int64 | uint64 | float64](rules protoreflect.Message, wish N, read func(protoreflect.Value) N, step N) N {
	if rules == nil {
		return wish
	}
	apart := outside(rules)
	lower, upper := bounds(rules)
	if upper != nil && !apart {
		if most := read(rules.Get(upper)); wish >= most {
			wish = most
			if upper.Name() == "lt" {
				wish -= step
			}
		}
	}
	if lower != nil {
		if least := read(rules.Get(lower)); wish <= least {
			wish = least
			if lower.Name() == "gt" {
				wish += step
			}
		}
	}
	return wish
}

// The times of examples look current but never change, so that the documentation does not change either.
func exampleTime() time.Time   { return time.Date(2026, 1, 15, 9, 30, 0, 0, time.UTC) }
func exampleFuture() time.Time { return time.Date(2126, 1, 15, 9, 30, 0, 0, time.UTC) }

const exampleDuration = 90 * time.Second

// timeExample fills a Timestamp or a Duration within its bounds.
func timeExample(m protoreflect.Message, rules protoreflect.Message) {
	if given, ok := givenExample(rules, 0); ok {
		setInstant(m, instant(given.Message()))
		return
	}
	wish := [2]int64{int64(exampleDuration / time.Second)}
	if m.Descriptor().FullName() == "google.protobuf.Timestamp" {
		wish[0] = exampleTime().Unix()
		if _, future := ruleOf(rules, "gt_now"); future {
			wish[0] = exampleFuture().Unix()
		}
		if _, near := ruleOf(rules, "within"); near {
			wish[0] = time.Now().Unix()
		}
	}
	read := func(value protoreflect.Value) int64 { return instant(value.Message())[0] }
	setInstant(m, [2]int64{between(rules, wish[0], read, 1)})
}

func setInstant(m protoreflect.Message, to [2]int64) {
	fields := m.Descriptor().Fields()
	m.Set(fields.ByName("seconds"), protoreflect.ValueOfInt64(to[0]))
	m.Set(fields.ByName("nanos"), protoreflect.ValueOfInt32(int32(min(to[1], math.MaxInt32))))
}
