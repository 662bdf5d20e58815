package codec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

const (
	shopFile  = "../../../gen/descriptors/shop.v1.binpb"
	kindsFile = "../schematest/testdata/kinds.binpb"
)

func TestOrderIsReadAndRendered(t *testing.T) {
	t.Parallel()
	order := schematest.Type(t, shopFile, "shop.v1.OrderCreated")
	canonical, violations, err := order.FromJSON([]byte(schematest.Order))
	if err != nil || len(violations) > 0 {
		t.Fatal(violations, err)
	}
	text, err := order.Render(canonical)
	if err != nil || string(text) != schematest.Order {
		t.Errorf("rendered %s, %v", text, err)
	}
	same, violations, err := order.FromBinary(canonical)
	if err != nil || len(violations) > 0 || string(same) != string(canonical) {
		t.Errorf("the canonical form is not a fixed point: %v, %v", violations, err)
	}
	spelledOtherwise := strings.NewReplacer(`"orderId"`, ` "order_id"`, `"9007199254740993"`, `9007199254740993`,
		`"quantity":2`, `"quantity":2.0e0`, `10:00:00Z`, `12:00:00+02:00`, `ORDER_CHANNEL_WEB"`, `ORDER_CHANNEL_WEB" `).Replace(schematest.Order)
	same, violations, err = order.FromJSON([]byte(spelledOtherwise))
	if err != nil || string(same) != string(canonical) {
		t.Errorf("spelled otherwise: %v, %v", violations, err)
	}
}

func TestOrderViolationsNameTheField(t *testing.T) {
	t.Parallel()
	order := schematest.Type(t, shopFile, "shop.v1.OrderCreated")
	tests := []struct{ name, old, new, field, rule string }{
		{"unknown", `"note"`, `"notes"`, "event.data.notes", ""},
		{"unknown, nested", `"sku"`, `"skew"`, "event.data.lines[0].skew", ""},
		{"wrong type", `"ABC-1"`, `7`, "event.data.lines[0].sku", ""},
		{"not an integer", `"quantity":2`, `"quantity":2.5`, "event.data.lines[0].quantity", ""},
		{"does not fit", `"quantity":2`, `"quantity":2147483648`, "event.data.lines[0].quantity", ""},
		{"number as bad text", `"3998"`, `"many"`, "event.data.total.minorUnits", ""},
		{"int64 overflow", `"9007199254740993"`, `9223372036854775808`, "event.data.ledgerNumber", ""},
		{"bad enum", `"ORDER_CHANNEL_WEB"`, `"WEB"`, "event.data.channel", ""},
		{"enum number not defined", `"ORDER_CHANNEL_WEB"`, `99`, "event.data.channel", "enum.defined_only"},
		{"object for text", `"ring"`, `{}`, "event.data.note", ""},
		{"array for object", `{"currency":"EUR","minorUnits":"3998"}`, `[]`, "event.data.total", ""},
		{"object for array", `[{"sku"`, `{"sku"`, "", ""},
		{"null in array", `[{"sku":"ABC-1"`, `[null,{"sku":"ABC-1"`, "event.data.lines[0]", ""},
		{"bad time", `"2024-05-01T10:00:00Z"`, `"1 May"`, "event.data.createTime", ""},
		{"rule of a field", `"orderId":"42"`, `"orderId":""`, "event.data.orderId", "string.min_len"},
		{"rule of an element", `"ABC-1"`, `"abc"`, "event.data.lines[0].sku", "string.pattern"},
		{"rule of a map's value", `{"size":"M"}`, `{"":"M"}`, `event.data.lines[0].options[""]`, "string.min_len"},
		{"required", `,"createTime":"2024-05-01T10:00:00Z"`, ``, "event.data.createTime", "required"},
		{"rule of the message", `"currency":"EUR","minorUnits":"3998"`, `"currency":"USD"`, "event.data", "order_created.one_currency"},
		{"nested rule", `"currency":"EUR","minorUnits":"3998"`, `"currency":"eur"`, "event.data.total.currency", "string.pattern"},
		{"format", `3f2b0f0e-`, `zz`, "event.data.customerId", "string.uuid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(schematest.Order, test.old, test.new, 1)
			canonical, violations, err := order.FromJSON([]byte(text))
			if test.field == "" {
				if err == nil {
					t.Errorf("took what is not JSON")
				}
				return
			}
			named := slices.ContainsFunc(violations, func(v gateway.Violation) bool {
				return v.Field == test.field && v.Rule == test.rule && v.Message != ""
			})
			if err != nil || canonical != nil || !named {
				t.Errorf("%v, %v; want %s", violations, err, test.field)
			}
		})
	}
}

func TestSeveralViolationsAreTold(t *testing.T) {
	t.Parallel()
	order := schematest.Type(t, shopFile, "shop.v1.OrderCreated")
	_, violations, err := order.FromJSON([]byte(`{"orderId":1,"note":2,"total":{"minorUnits":[]},"x":{"y":[]},"lines":[{"sku":3}]}`))
	var fields []string
	for _, v := range violations {
		fields = append(fields, v.Field)
	}
	want := []string{
		"event.data.orderId", "event.data.note", "event.data.total.minorUnits", "event.data.x", "event.data.lines[0].sku",
	}
	if err != nil || !slices.Equal(fields, want) {
		t.Errorf("%v, %v", fields, err)
	}
	many := `{"lines":[` + strings.TrimSuffix(strings.Repeat(`1,`, 1000), ",") + `]}`
	if _, violations, _ = order.FromJSON([]byte(many)); len(violations) != 20 {
		t.Errorf("told of %d", len(violations))
	}
}

func TestWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	order := schematest.Type(t, shopFile, "shop.v1.OrderCreated")
	for name, test := range map[string]struct{ text, field string }{
		"empty":         {``, "event.data"},
		"cut off":       {`{"orderId":"4`, "event.data"},
		"behind":        {`{} {}`, "event.data"},
		"twice":         {`{"orderId":"1","orderId":"2"}`, "event.data.orderId"},
		"invalid UTF-8": {"{\"note\":\"\xff\"}", "event.data.note"},
	} {
		_, _, err := order.FromJSON([]byte(test.text))
		var fault *gateway.Error
		if !errors.As(err, &fault) || fault.Reason != gateway.ReasonMalformedRequest || fault.Fields[0].Field != test.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	kinds := schematest.Type(t, kindsFile, "test.v1.Kinds")
	deep := strings.Repeat(`{"child":`, 100) + `{}` + strings.Repeat(`}`, 100)
	deepList := `{"list":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `}`
	// A test without a rendered text expects a violation of the field.
	tests := []struct{ text, rendered, field string }{
		{`{}`, `{}`, ""},
		{`{"yes":true}`, `{"yes":true}`, ""},
		{`{"yes":"true"}`, ``, "event.data.yes"},
		{`{"yes":null,"text":null,"child":null,"numbers":null,"byName":null}`, `{}`, ""},
		{`{"small":1e3}`, `{"small":1000}`, ""},
		{`{"small":"-5"}`, `{"small":-5}`, ""},
		{`{"small":" 5"}`, ``, "event.data.small"},
		{`{"small":"+5"}`, ``, "event.data.small"},
		{`{"small":"05"}`, ``, "event.data.small"},
		{`{"small":""}`, ``, "event.data.small"},
		{`{"small":1.0000000000000000000001}`, ``, "event.data.small"},
		{`{"small":1e99999999999}`, ``, "event.data.small"},
		{`{"small":0e99999999999}`, `{}`, ""},
		{`{"big":9223372036854775807}`, `{"big":"9223372036854775807"}`, ""},
		{`{"big":9.223372036854775807e18}`, `{"big":"9223372036854775807"}`, ""},
		{`{"count":-1}`, ``, "event.data.count"},
		{`{"bigCount":18446744073709551615}`, `{"bigCount":"18446744073709551615"}`, ""},
		{`{"bigCount":18446744073709551616}`, ``, "event.data.bigCount"},
		{`{"ratio":0.1}`, `{"ratio":0.1}`, ""},
		{`{"ratio":16777217}`, ``, "event.data.ratio"},
		{`{"ratio":0.12345678901}`, ``, "event.data.ratio"},
		{`{"ratio":1e39}`, ``, "event.data.ratio"},
		{`{"ratio":"NaN"}`, `{"ratio":"NaN"}`, ""},
		{`{"ratio":"-Infinity"}`, `{"ratio":"-Infinity"}`, ""},
		{`{"small":"NaN"}`, ``, "event.data.small"},
		{`{"amount":1.10}`, `{"amount":1.1}`, ""},
		{`{"amount":9007199254740993}`, ``, "event.data.amount"},
		{`{"amount":9007199254740992}`, `{"amount":9007199254740992}`, ""},
		{`{"amount":18446744073709551616}`, `{"amount":18446744073709552000}`, ""},
		{`{"amount":1e23}`, `{"amount":1e+23}`, ""},
		{`{"amount":0.30000000000000004}`, `{"amount":0.30000000000000004}`, ""},
		{`{"amount":0.300000000000000041}`, ``, "event.data.amount"},
		{`{"amount":1e-400}`, ``, "event.data.amount"},
		{`{"amount":1e400}`, ``, "event.data.amount"},
		{`{"text":"\ud83d\ude00\u0041"}`, `{"text":"😀A"}`, ""},
		{`{"raw":"_-8="}`, `{"raw":"/+8="}`, ""},
		{`{"raw":"*"}`, ``, "event.data.raw"},
		{`{"colour":"COLOUR_RED"}`, `{"colour":"COLOUR_RED"}`, ""},
		{`{"colour":1}`, `{"colour":"COLOUR_RED"}`, ""},
		{`{"colour":7}`, `{"colour":7}`, ""},
		{`{"colour":true}`, ``, "event.data.colour"},
		{`{"colours":["COLOUR_RED","blue"]}`, ``, "event.data.colours[1]"},
		{`{"numbers":[1,2]}`, `{"numbers":[1,2]}`, ""},
		{`{"numbers":[1,"x"]}`, ``, "event.data.numbers[1]"},
		{`{"numbers":1}`, ``, "event.data.numbers"},
		{`{"children":[{"children":[{},{"text":1}]}]}`, ``, "event.data.children[0].children[1].text"},
		{`{"byName":{"a.b":{"text":"x"}}}`, `{"byName":{"a.b":{"text":"x"}}}`, ""},
		{`{"byName":{"a.b":{"text":1}}}`, ``, `event.data.byName["a.b"].text`},
		{`{"byNumber":{"-1":"x"}}`, `{"byNumber":{"-1":"x"}}`, ""},
		{`{"byNumber":{"one":"x"}}`, ``, `event.data.byNumber["one"]`},
		{`{"byNumber":{"1":null}}`, ``, "event.data.byNumber[1]"},
		{`{"byNumber":{"1":"a","1.0":"b"}}`, ``, `event.data.byNumber["1.0"]`},
		{`{"byNumber":{"0":"a","-0":"b"}}`, ``, `event.data.byNumber["-0"]`},
		{`{"byBool":{"true":1}}`, `{"byBool":{"true":1}}`, ""},
		{`{"byBool":{"1":1}}`, ``, `event.data.byBool["1"]`},
		{`{"firstChoice":"a"}`, `{"firstChoice":"a"}`, ""},
		{`{"firstChoice":"a","secondChoice":1}`, ``, "event.data.secondChoice"},
		{`{"first_choice":"a"}`, `{"firstChoice":"a"}`, ""},
		{`{"firstChoice":"a","first_choice":"a"}`, ``, "event.data.firstChoice"},
		{`{"maybe":0}`, `{"maybe":0}`, ""},
		{`{"at":"2024-02-29T12:30:00.5+01:00"}`, `{"at":"2024-02-29T11:30:00.500Z"}`, ""},
		{`{"at":"1970-01-01T00:00:00Z"}`, `{"at":"1970-01-01T00:00:00Z"}`, ""},
		{`{"at":1}`, ``, "event.data.at"},
		{`{"for":"1.5s"}`, `{"for":"1.500s"}`, ""},
		{`{"for":"1h"}`, ``, "event.data.for"},
		{`{"mask":"a.b,c"}`, `{"mask":"a.b,c"}`, ""},
		{`{"object":{"a":[1,null,{"b":"c"}]}}`, `{"object":{"a":[1,null,{"b":"c"}]}}`, ""},
		{`{"object":{"a":9007199254740993}}`, ``, "event.data.object"},
		{`{"value":null}`, `{"value":null}`, ""},
		{`{"values":[null,1]}`, `{"values":[null,1]}`, ""},
		{`{"list":[1.5]}`, `{"list":[1.5]}`, ""},
		{`{"nothing":null}`, `{}`, ""},
		{`{"empty":{}}`, `{"empty":{}}`, ""},
		{`{"empty":{"a":1}}`, ``, "event.data.empty.a"},
		{`{"wrappedBig":"9007199254740993"}`, `{"wrappedBig":"9007199254740993"}`, ""},
		{`{"wrappedBig":{}}`, ``, "event.data.wrappedBig"},
		{`{"wrappedText":""}`, `{"wrappedText":""}`, ""},
		{`{"any":{"@type":"type.googleapis.com/test.v1.Kinds","text":"x"}}`, `{"any":{"@type":"type.googleapis.com/test.v1.Kinds","text":"x"}}`, ""},
		{`{"any":{"text":"x","@type":"type.googleapis.com/test.v1.Kinds","amount":9007199254740993}}`, ``, "event.data.any.amount"},
		{`{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}`, `{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}`, ""},
		{`{"any":{"@type":"type.googleapis.com/not.Known"}}`, ``, "event.data.any"},
		{`{"any":{"text":"x"}}`, ``, "event.data.any"},
		{`{"any":{}}`, `{"any":{}}`, ""},
		{`{"a.b":1}`, ``, `event.data["a.b"]`},
		{`[]`, ``, "event.data"},
		{deep, ``, "event.data" + strings.Repeat(".child", 100)},
		{deepList, ``, "event.data.list"},
	}
	for _, test := range tests {
		expectPayload(t, kinds, test.text, test.rendered, test.field)
	}
}

// expectPayload expects that a payload is rendered as a text, or that a field is at fault.
func expectPayload(t *testing.T, of *schema.Type, payload, rendered, field string) {
	t.Helper()
	canonical, violations, err := of.FromJSON([]byte(payload))
	if err != nil {
		t.Errorf("%s: %v", payload, err)
		return
	}
	if field != "" {
		if len(violations) != 1 || violations[0].Field != field {
			t.Errorf("%s: %v, want %s", payload, violations, field)
		}
		return
	}
	text, err := of.Render(canonical)
	if len(violations) > 0 || err != nil || string(text) != rendered {
		t.Errorf("%s: %s, %v, %v", payload, text, violations, err)
	}
}
