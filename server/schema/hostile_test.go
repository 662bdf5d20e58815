package schema_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

// TestTooManyMessages counts alike in both forms, before anything is made of them.
func TestTooManyMessages(t *testing.T) {
	t.Parallel()
	eventType := typeOf(t, richFile, "test.rich.Proto3")
	for n, field := range map[int]string{99_999: "", 100_001: "event.data"} {
		text := `{"children":[` + strings.TrimSuffix(strings.Repeat(`{},`, n), ",") + `]}`
		_, fromText, err := eventType.FromJSON([]byte(text))
		if err != nil || (len(fromText) > 0) != (field != "") {
			t.Errorf("%d in JSON: %v, %v", n, fromText, err)
		}
		_, fromBinary, err := eventType.FromBinary(bytes.Repeat(appendField(nil, 29, nil), n))
		if err != nil || (len(fromBinary) > 0) != (field != "") {
			t.Errorf("%d in binary: %v, %v", n, fromBinary, err)
		}
	}
}

// TestHostilePayloadsTakeBoundedMemory reads payloads of the largest size that are made to be dear. What a reader
// allocates in all is a small multiple of the payload, so that no nesting or repetition costs more than its bytes.
func TestHostilePayloadsTakeBoundedMemory(t *testing.T) {
	eventType := typeOf(t, richFile, "test.rich.Proto3")
	fill := func(begin, repeated, end string) []byte {
		n := (gateway.MaxDataBytes - len(begin) - len(end)) / len(repeated)
		return []byte(begin + strings.TrimSuffix(strings.Repeat(repeated, n), ",") + end)
	}
	anyDeep := strings.Repeat(`{"@type":"/google.protobuf.Any","value":`, 90)
	for name, text := range map[string][]byte{
		"empty messages":      fill(`{"children":[`, `{},`, `]}`),
		"empty Anys":          fill(`{"anys":[`, `{},`, `]}`),
		"Anys":                fill(`{"anys":[`, `{"@type":"/test.rich.Proto3"},`, `]}`),
		"Values":              fill(`{"values":[`, `[],`, `]}`),
		"a Struct":            fill(`{"object":{"a":[`, `{},`, `]}}`),
		"times":               fill(`{"ats":[`, `"1970-01-01T00:00:00Z",`, `]}`),
		"wrong elements":      fill(`{"children":[`, `1,`, `]}`),
		"a long number":       fill(`{"i64":`, `1`, `}`),
		"a long fraction":     fill(`{"twice":0.`, `1`, `}`),
		"a long exponent":     fill(`{"twice":1e`, `1`, `}`),
		"zeros":               fill(`{"i64":1.`, `0`, `}`),
		"brackets":            fill(`{"list":`, `[`, ``),
		"deep Anys":           fill(`{"any":`+anyDeep+`{"@type":"/test.rich.Proto3","text":"`, "x", `"}`+strings.Repeat(`}`, 91)),
		"unknown members":     fill(`{"text":"`, `x`, `","nope":1}`),
		"a list of a list":    fill(`{"numbers":[`, `[],`, `]}`),
		"a long name":         fill(`{"`, `x`, `":1}`),
		"escapes in a string": fill(`{"text":"`, `\u0041`, `"}`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		canonical, violations, err := eventType.FromJSON(text)
		runtime.ReadMemStats(&after)
		times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text))
		t.Logf("%s: %.0f bytes a byte, accepted as %d bytes, %d violations, %v", name, times, len(canonical), len(violations), err != nil)
		if times > 150 {
			t.Errorf("%s: reading allocates %.0f times the payload", name, times)
		}
		for _, v := range violations {
			if len(v.Field)+len(v.Message) > 4<<20 {
				t.Errorf("%s: a violation of %d bytes", name, len(v.Field)+len(v.Message))
			}
		}
	}
}
