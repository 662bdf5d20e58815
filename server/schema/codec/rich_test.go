package codec_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// TestOldAndNewSyntax tests faults that only proto2, editions and messages inside an Any can have. A test without a rendered
// text expects a violation of the field.
func TestOldAndNewSyntax(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ eventType, text, rendered, field string }{
		{"Proto2", `{"must":1}`, `{"must":"1"}`, ""},
		{"Proto2", `{}`, ``, "event.data.must"},
		{"Proto2", `{"must":null}`, ``, "event.data.must"},
		{"Proto2", `{"must":1,"many":[{"number":2},{}]}`, ``, "event.data.many[1].number"},
		{"Proto2", `{"must":1,"inner":{"deeper":{}}}`, ``, "event.data.inner.deeper.must"},
		{"Proto2", `{"must":1,"Inner":{"text":"a"}}`, `{"must":"1","inner":{"text":"a"}}`, ""},
		{"Proto2", `{"must":1,"closed":"CLOSED_UN"}`, `{"must":"1","closed":"CLOSED_ONE"}`, ""},
		{"Proto2", `{"must":1,"closed":5}`, ``, "event.data.closed"},
		{"Proto2", `{"must":1,"byName":{"a":"FOUR_HERE","b":3}}`, ``, `event.data.byName["b"]`},
		{"Proto2", `{"must":1,"[test.rich.ext_number]":"7"}`, `{"must":"1","[test.rich.ext_number]":"7"}`, ""},
		{"Proto2", `{"must":1,"[test.rich.ext_number]":"x"}`, ``, "event.data.[test.rich.ext_number]"},
		{"Proto2", `{"must":1,"[test.rich.ext_numbers]":[1,"x"]}`, ``, "event.data.[test.rich.ext_numbers][1]"},
		{"Proto2", `{"must":1,"[test.rich.ext_message]":{}}`, ``, "event.data.[test.rich.ext_message].must"},
		{"Proto2", `{"must":1,"[test.rich.not_there]":1}`, ``, `event.data["[test.rich.not_there]"]`},
		{"Proto2", `{"must":1,"[test.rich.Scope.within]":1}`, ``, `event.data["[test.rich.Scope.within]"]`},
		{"Proto2", `{"must":1,"ext_number":1}`, ``, "event.data.ext_number"},
		{
			"Proto2", `{"must":1,"holder":{"[test.rich.Scope.scope]":{"name":"x"}}}`,
			`{"must":"1","holder":{"[test.rich.Scope.scope]":{"name":"x"}}}`, "",
		},
		{"Edition", `{"must":1,"explicit":0,"implicit":0}`, `{"explicit":0,"must":"1"}`, ""},
		{"Edition", `{"must":1,"delimited":{}}`, ``, "event.data.delimited.must"},
		{"Edition", `{"must":1,"delimiteds":[{"must":1,"closed":1}]}`, ``, "event.data.delimiteds[0].closed"},
		{"Edition", `{"must":1,"third":"NINE","second":{"must":2}}`, ``, "event.data.second"},
		{"Proto3", `{"any":{"@type":"/test.rich.Proto2"}}`, ``, "event.data.any.must"},
		{"Proto3", `{"any":{"@type":"/test.rich.Proto3.ByBoolEntry"}}`, ``, "event.data.any"},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Empty"}}`, `{"any":{"@type":"/google.protobuf.Empty"}}`, ""},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Empty","value":{}}}`, `{"any":{"@type":"/google.protobuf.Empty"}}`, ""},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Empty","value":{"a":1}}}`, ``, "event.data.any.value.a"},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Int64Value"}}`, ``, "event.data.any.value"},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Int64Value","value":"x"}}`, ``, "event.data.any.value"},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Int64Value","value":"1","v":2}}`, ``, "event.data.any.v"},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Struct","value":{"a":9007199254740993}}}`, ``, "event.data.any.value"},
		{
			"Proto3", `{"any":{"@type":"/google.protobuf.Any","value":{"@type":"/test.rich.Proto3","u64":9007199254740993}}}`,
			`{"any":{"@type":"/google.protobuf.Any","value":{"@type":"/test.rich.Proto3","u64":"9007199254740993"}}}`, "",
		},
		{"Proto3", `{"any":{"@type":"/google.protobuf.Any","value":{"@type":"/test.rich.Proto3","u64":-1}}}`, ``, "event.data.any.value.u64"},
	} {
		eventType := schematest.Type(t, richFile, "test.rich."+test.eventType)
		expectPayload(t, eventType, test.text, test.rendered, test.field)
	}
}

func TestOldAndNewSyntaxInBinary(t *testing.T) {
	t.Parallel()
	varint := func(raw []byte, number protowire.Number, value uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(raw, number, protowire.VarintType), value)
	}
	must := func() []byte { return varint(nil, 1, 1) }
	anyOf := func(url string, content []byte) []byte {
		return appendField(nil, 59, appendField(appendField(nil, 1, []byte(url)), 2, content))
	}
	twoKeys := appendField(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1), 1, []byte("no key"))
	nested := []byte("x")
	for range 120 {
		nested = appendField(appendField(nil, 1, []byte("/google.protobuf.Any")), 2, nested)
	}
	for _, test := range []struct {
		name, eventType string
		raw             []byte
		field           string
	}{
		{"required", "Proto2", must(), ""},
		{"nothing required", "Proto2", nil, "event.data.must"},
		{"required in a group", "Proto2", append(must(), 12<<3|3, 12<<3|4), "event.data.many[0].number"},
		{"not UTF-8", "Proto2", appendField(must(), 3, []byte{0xff}), "event.data.text"},
		{"not UTF-8, a key", "Proto2", appendField(must(), 13, appendField(nil, 1, []byte{0xff})), `event.data.byName["\xff"]`},
		{"closed enum", "Proto2", varint(must(), 7, 2), ""},
		{"closed enum, unknown", "Proto2", varint(must(), 7, 5), "event.data.closed"},
		{"closed enum, unknown, in a list", "Proto2", varint(varint(must(), 8, 1), 8, 5), "event.data.closeds[1]"},
		{"extension", "Proto2", varint(must(), 100, 5), ""},
		{"extension, unknown", "Proto2", varint(must(), 199, 5), "event.data"},
		{"extension, unknown enum", "Proto2", varint(must(), 105, 5), "event.data.[test.rich.ext_closed]"},
		{"open enum, unknown", "Proto3", varint(nil, 16, 5), ""},
		{"two keys", "Proto3", appendField(nil, 33, twoKeys), "event.data"},
		{"Any without a type", "Proto3", anyOf("", []byte("x")), "event.data.any"},
		{"Any, cut off", "Proto3", anyOf("/test.rich.Proto3", []byte{0x12}), "event.data.any"},
		{"Any, unknown field", "Proto3", anyOf("/test.rich.Scope", varint(nil, 9, 1)), "event.data.any"},
		{"Any, nothing required", "Proto3", anyOf("/test.rich.Proto2", nil), "event.data.any.must"},
		{"Any of a well-known type", "Proto3", anyOf("/google.protobuf.Value", nil), "event.data.any.value"},
		{"Any in Any in Any", "Proto3", appendField(nil, 59, nested), "event.data.any" + strings.Repeat(".value", 99)},
		{"unknown field in a Struct", "Proto3", appendField(nil, 56, varint(nil, 9, 1)), "event.data.object"},
		{
			"unknown field deep in a Struct", "Proto3",
			appendField(nil, 56, appendField(nil, 1, appendField(nil, 2, varint(varint(nil, 4, 1), 9, 1)))), "event.data.object",
		},
		{"NaN in a Value", "Proto3", appendField(nil, 57, protowire.AppendFixed64(protowire.AppendTag(nil, 2, protowire.Fixed64Type), 0x7ff8<<48)), "event.data.value"},
	} {
		eventType := schematest.Type(t, richFile, "test.rich."+test.eventType)
		canonical, violations, err := eventType.FromBinary(test.raw)
		switch {
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.field == "" && len(violations) == 0:
			if _, err := eventType.Render(canonical); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		case len(violations) != 1 || violations[0].Field != test.field:
			t.Errorf("%s: %v, want %s", test.name, violations, test.field)
		}
	}
}

// TestNestingIsCountedAlike publishes payloads with the deepest allowed nesting, and then publishes the rendered text.
func TestNestingIsCountedAlike(t *testing.T) {
	t.Parallel()
	eventType := schematest.Type(t, richFile, "test.rich.Proto3")
	for _, test := range []struct{ open, inner, shut string }{
		{`{"child":`, `{}`, `}`},
		{`{"children":[`, `{}`, `]}`},
		{`{"byS32":{"1":`, `{}`, `}}`},
		{`{"object":{"a":`, `1`, `}}`},
		{`{"any":{"@type":"/test.rich.Proto3","child":`, `{}`, `}}`},
	} {
		for depth, deepest := 45, false; !deepest; depth++ {
			text := strings.Repeat(test.open, depth) + test.inner + strings.Repeat(test.shut, depth)
			if strings.Contains(test.open, "object") {
				text = `{"object":` + strings.Repeat(`{"a":[`, depth) + strings.Repeat(`]}`, depth) + `}`
			}
			canonical, violations, err := eventType.FromJSON([]byte(text))
			if deepest = err != nil || len(violations) > 0; deepest {
				if depth < 49 {
					t.Errorf("%s: %d deep is refused: %v, %v", test.open, depth, violations, err)
				}
				continue
			}
			again, violations, err := eventType.FromBinary(canonical)
			if err != nil || len(violations) > 0 || string(again) != string(canonical) {
				t.Errorf("%s, %d deep: binary is refused: %v, %v", test.open, depth, violations, err)
			}
			if depth > 200 {
				t.Fatalf("%s: nothing is too deep", test.open)
			}
		}
	}
}

// TestAnyIsEncodedInOneWay expects an Any to be the same event whether its content came as JSON or as bytes in another
// order.
func TestAnyIsEncodedInOneWay(t *testing.T) {
	t.Parallel()
	eventType := schematest.Type(t, richFile, "test.rich.Proto3")
	backwards := appendField(appendField(nil, 14, []byte("x")), 2, nil)
	backwards = protowire.AppendVarint(protowire.AppendTag(backwards[:3], 2, protowire.VarintType), 1)
	content := appendField(appendField(nil, 1, []byte("/test.rich.Proto3")), 2, backwards)
	binary, violations, err := eventType.FromBinary(appendField(nil, 59, content))
	if err != nil || len(violations) > 0 {
		t.Fatal(violations, err)
	}
	text, _, err := eventType.FromJSON([]byte(`{"any":{"@type":"/test.rich.Proto3","text":"x","i32":1}}`))
	if err != nil || string(text) != string(binary) {
		t.Errorf("%x, %x, %v", binary, text, err)
	}
}
