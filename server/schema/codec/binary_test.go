package codec_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

func TestBinaryPayloads(t *testing.T) {
	t.Parallel()
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)
	inChild := func(raw []byte) []byte { return appendField(nil, 13, raw) }
	timestamp := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 2_000_000_000)
	any := appendField(appendField(nil, 1, []byte("type.googleapis.com/not.Known")), 2, nil)
	deep := []byte{}
	for range 120 {
		deep = inChild(deep)
	}
	kinds := schematest.Type(t, kindsFile, "test.v1.Kinds")
	tests := []struct {
		name  string
		raw   []byte
		field string
	}{
		{"empty", nil, ""},
		{"child", inChild(nil), ""},
		{"cut off", []byte{0x12}, "event.data"},
		{"invalid UTF-8", appendField(nil, 10, []byte{0xff}), "event.data"},
		{"unknown field", unknown, "event.data"},
		{"unknown field in a child", inChild(unknown), "event.data.child"},
		{"unknown field in a list", appendField(appendField(nil, 15, nil), 15, unknown), "event.data.children[1]"},
		{"unknown field in a map", appendField(nil, 16, appendField(appendField(nil, 1, []byte("k")), 2, unknown)), `event.data.byName["k"]`},
		{"time out of range", inChild(appendField(nil, 22, timestamp)), "event.data.child.at"},
		{"Any of an unknown type", appendField(nil, 28, any), "event.data.any"},
		{"empty Value", appendField(nil, 26, nil), "event.data.value"},
		{"nested deeply", deep, "event.data" + strings.Repeat(".child", 100)},
	}
	for _, test := range tests {
		canonical, violations, err := kinds.FromBinary(test.raw)
		switch {
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.field == "" && len(violations) == 0:
			if _, err := kinds.Render(canonical); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		case len(violations) != 1 || violations[0].Field != test.field:
			t.Errorf("%s: %v, want %s", test.name, violations, test.field)
		}
	}
}

func TestBinaryPayloadsKeepTheRules(t *testing.T) {
	t.Parallel()
	money := schematest.Type(t, shopFile, "shop.v1.Money")
	raw, err := proto.Marshal(&shopv1.Money{Currency: "eur", MinorUnits: 9007199254740993})
	if err != nil {
		t.Fatal(err)
	}
	if _, violations, err := money.FromBinary(raw); err != nil || len(violations) != 1 ||
		violations[0].Field != "event.data.currency" || violations[0].Rule != "string.pattern" {
		t.Errorf("%v, %v", violations, err)
	}
	canonical, violations, err := money.EncodeBinary(raw)
	if err != nil || len(violations) > 0 {
		t.Errorf("without the rules: %v, %v", violations, err)
	}
	if text, err := money.Render(canonical); err != nil || !strings.Contains(string(text), `"9007199254740993"`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestCanonicalFormHasOneOrder(t *testing.T) {
	t.Parallel()
	kinds := schematest.Type(t, kindsFile, "test.v1.Kinds")
	one, _, _ := kinds.FromBinary(appendField(appendField(nil, 10, []byte("x")), 13, nil))
	other, _, _ := kinds.FromBinary(appendField(appendField(nil, 13, nil), 10, []byte("x")))
	json, _, _ := kinds.FromJSON([]byte(`{"child":{},"text":"x"}`))
	if string(one) != string(other) || string(one) != string(json) || len(one) == 0 {
		t.Errorf("%x, %x, %x", one, other, json)
	}
}

func appendField(raw []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(raw, number, protowire.BytesType), content)
}
