package describe

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Span is a range of numbers that includes both ends.
type Span struct{ First, Last int64 }

func (s Span) String() string {
	if s.First == s.Last {
		return fmt.Sprint(s.First)
	}
	return fmt.Sprintf("%d to %d", s.First, s.Last)
}

// ReservedFields returns the numbers that a message reserves.
func ReservedFields(message protoreflect.MessageDescriptor) []Span {
	var spans []Span
	for i := range message.ReservedRanges().Len() {
		r := message.ReservedRanges().Get(i)
		spans = append(spans, Span{int64(r[0]), int64(r[1]) - 1})
	}
	return spans
}

// ReservedValues returns the numbers that an enum reserves.
func ReservedValues(enum protoreflect.EnumDescriptor) []Span {
	var spans []Span
	for i := range enum.ReservedRanges().Len() {
		r := enum.ReservedRanges().Get(i)
		spans = append(spans, Span{int64(r[0]), int64(r[1])})
	}
	return spans
}

// reservedTexts returns reservations as .proto text.
func reservedTexts(names protoreflect.Names, numbers []Span) []string {
	var texts []string
	for _, one := range numbers {
		texts = append(texts, one.String())
	}
	for i := range names.Len() {
		texts = append(texts, quoted(string(names.Get(i))))
	}
	return texts
}
