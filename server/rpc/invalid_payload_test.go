package rpc_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	order = `{"orderId":"42","customerId":"3f2b0f0e-7c1e-4d7e-9c55-0b8a2f1d7a11","channel":"ORDER_CHANNEL_WEB",` +
		`"lines":[{"sku":"ABC-1","quantity":2,"unitPrice":{"currency":"EUR","minorUnits":"1999"},"options":{"size":"M"}}],` +
		`"total":{"currency":"EUR","minorUnits":"3998"},"shipTo":{"name":"Ada","lines":["1 Road"],"city":"Lund","countryCode":"SE"},` +
		`"note":"ring","ledgerNumber":"9007199254740993","createTime":"2024-05-01T10:00:00Z"}`
	paid = `{"orderId":"42","amount":{"currency":"EUR","minorUnits":"1"},"card":{"brand":"visa","lastFour":"4242"},` +
		`"payTime":"2024-05-01T10:00:00Z"}`
	shipped = `{"orderId":"42","carrier":"postnord","parcels":[{"trackingNumber":"A123","weightGrams":5,"contents":{"ABC-1":2}},` +
		`{"trackingNumber":"B123","weightGrams":5,"contents":{"ABC-1":1}}],"trackingUrl":"https://example.com/","shipTime":"2024-05-01T10:00:00Z"}`
)

// invalidPayload is a payload that is refused: valid text with something replaced, or a whole one of a test's own type.
type invalidPayload struct {
	eventType, valid, old, replacement string
	// field is where, rule the id of the rule that is broken; none when the structure is wrong.
	field, rule string
}

func whole(eventType, text, field string) invalidPayload {
	return invalidPayload{eventType, text, "", "", "event.data" + field, ""}
}

func rich(message, text, field string) invalidPayload {
	return whole("test.rich."+message, text, field)
}

var invalidJSON = []invalidPayload{
	// Structure.
	{"shop.v1.OrderCreated", order, `"note"`, `"notes"`, "event.data.notes", ""},
	{"shop.v1.OrderCreated", order, `"sku"`, `"skew"`, "event.data.lines[0].skew", ""},
	{"shop.v1.OrderCreated", order, `"note"`, `"a.b"`, `event.data["a.b"]`, ""},
	{"shop.v1.OrderCreated", order, `"ABC-1"`, `7`, "event.data.lines[0].sku", ""},
	{"shop.v1.OrderCreated", order, `"ring"`, `{}`, "event.data.note", ""},
	{"shop.v1.OrderCreated", order, `"quantity":2`, `"quantity":2.5`, "event.data.lines[0].quantity", ""},
	{"shop.v1.OrderCreated", order, `"quantity":2`, `"quantity":2147483648`, "event.data.lines[0].quantity", ""},
	{"shop.v1.OrderCreated", order, `"quantity":2`, `"quantity":true`, "event.data.lines[0].quantity", ""},
	{"shop.v1.OrderCreated", order, `"3998"`, `"many"`, "event.data.total.minorUnits", ""},
	{"shop.v1.OrderCreated", order, `"3998"`, `""`, "event.data.total.minorUnits", ""},
	{"shop.v1.OrderCreated", order, `"9007199254740993"`, `9223372036854775808`, "event.data.ledgerNumber", ""},
	{"shop.v1.OrderCreated", order, `"9007199254740993"`, `1e-1`, "event.data.ledgerNumber", ""},
	{"shop.v1.OrderCreated", order, `"ORDER_CHANNEL_WEB"`, `"WEB"`, "event.data.channel", ""},
	{"shop.v1.OrderCreated", order, `"ORDER_CHANNEL_WEB"`, `[]`, "event.data.channel", ""},
	{"shop.v1.OrderCreated", order, `"lines":["1 Road"]`, `"lines":"1 Road"`, "event.data.shipTo.lines", ""},
	{"shop.v1.OrderCreated", order, `["1 Road"]`, `["1 Road",null]`, "event.data.shipTo.lines[1]", ""},
	{"shop.v1.OrderCreated", order, `{"size":"M"}`, `[]`, "event.data.lines[0].options", ""},
	{"shop.v1.OrderCreated", order, `{"size":"M"}`, `{"size":1}`, `event.data.lines[0].options["size"]`, ""},
	{"shop.v1.OrderCreated", order, `"2024-05-01T10:00:00Z"`, `"1 May"`, "event.data.createTime", ""},
	{"shop.v1.OrderCreated", order, `"2024-05-01T10:00:00Z"`, `"2024-02-30T10:00:00Z"`, "event.data.createTime", ""},
	{"shop.v1.OrderCreated", order, `"2024-05-01T10:00:00Z"`, `1714557600`, "event.data.createTime", ""},
	{"shop.v1.OrderPaid", paid, `"card":`, `"giftCardCode":"ABCDEF123456","card":`, "event.data.card", ""},
	{"shop.v1.OrderShipped", shipped, `"shipTime"`, `"expectedTransit":"2h","shipTime"`, "event.data.expectedTransit", ""},
	{"shop.v1.OrderShipped", shipped, `"weightGrams":5`, `"weightGrams":-5`, "event.data.parcels[0].weightGrams", ""},
	{"shop.v1.OrderShipped", shipped, `"ABC-1":1`, `"ABC-1":1.5`, `event.data.parcels[1].contents["ABC-1"]`, ""},
	whole("test.v1.Kinds", `{"ratio":16777217}`, ".ratio"),
	whole("test.v1.Kinds", `{"amount":9007199254740993}`, ".amount"),
	whole("test.v1.Kinds", `{"amount":1e400}`, ".amount"),
	whole("test.v1.Kinds", `{"raw":"*"}`, ".raw"),
	whole("test.v1.Kinds", `{"raw":"YQ="}`, ".raw"),
	whole("test.v1.Kinds", `{"bigCount":18446744073709551616}`, ".bigCount"),
	whole("test.v1.Kinds", `{"byBool":{"1":1}}`, `.byBool["1"]`),
	whole("test.v1.Kinds", `{"byNumber":{"1":null}}`, ".byNumber[1]"),
	whole("test.v1.Kinds", `{"byNumber":{"01":"a"}}`, `.byNumber["01"]`),
	whole("test.v1.Kinds", `{"mask":"a b"}`, ".mask"),
	whole("test.v1.Kinds", `{"wrappedBig":{}}`, ".wrappedBig"),
	whole("test.v1.Kinds", `{"object":{"a":9007199254740993}}`, ".object"),
	whole("test.v1.Kinds", `{"list":{}}`, ".list"),
	whole("test.v1.Kinds", `{"any":{"text":"x"}}`, ".any"),
	whole("test.v1.Kinds", `{"any":{"@type":"type.googleapis.com/not.Known"}}`, ".any"),
	whole("test.v1.Kinds", `{"any":{"@type":"/test.v1.Kinds","amount":"1","child":{"small":"x"}}}`, ".any.child.small"),
	whole("test.v1.Kinds", `{"any":{"@type":"/postrider.v1.Event"}}`, ".any"),
	rich("Proto2", `{}`, ".must"),
	rich("Proto2", `{"must":1,"many":[{}]}`, ".many[0].number"),
	rich("Proto2", `{"must":1,"closed":5}`, ".closed"),
	rich("Proto2", `{"must":1,"[test.rich.ext_message]":{}}`, ".[test.rich.ext_message].must"),
	rich("Proto2", `{"must":1,"[test.rich.ext_numbers]":["x"]}`, ".[test.rich.ext_numbers][0]"),
	rich("Proto2", `{"must":1,"[test.rich.no]":1}`, `["[test.rich.no]"]`),
	rich("Edition", `{"must":1,"delimited":{"must":1,"third":"TEN"}}`, ".delimited.third"),
	rich("Proto3", `{"chosenText":"a","chosenNull":null}`, ".chosenNull"),

	// Rules.
	{"shop.v1.OrderCreated", order, `"orderId":"42"`, `"orderId":""`, "event.data.orderId", "string.min_len"},
	{"shop.v1.OrderCreated", order, `3f2b0f0e-`, `zz`, "event.data.customerId", "string.uuid"},
	{"shop.v1.OrderCreated", order, `"ORDER_CHANNEL_WEB"`, `99`, "event.data.channel", "enum.defined_only"},
	{"shop.v1.OrderCreated", order, `"ORDER_CHANNEL_WEB"`, `0`, "event.data.channel", "enum.not_in"},
	{"shop.v1.OrderCreated", order, `"quantity":2`, `"quantity":0`, "event.data.lines[0].quantity", "int32.gte_lte"},
	{"shop.v1.OrderCreated", order, `"ABC-1"`, `"abc"`, "event.data.lines[0].sku", "string.pattern"},
	{"shop.v1.OrderCreated", order, `{"size":"M"}`, `{"":"M"}`, `event.data.lines[0].options[""]`, "string.min_len"},
	{"shop.v1.OrderCreated", order, `"lines":["1 Road"]`, `"lines":[]`, "event.data.shipTo.lines", "repeated.min_items"},
	{"shop.v1.OrderCreated", order, `["1 Road"]`, `["1 Road",""]`, "event.data.shipTo.lines[1]", "string.min_len"},
	{"shop.v1.OrderCreated", order, `"countryCode":"SE"`, `"countryCode":"se"`, "event.data.shipTo.countryCode", "string.pattern"},
	{"shop.v1.OrderCreated", order, `"minorUnits":"3998"`, `"minorUnits":"-1"`, "event.data.total.minorUnits", "int64.gte"},
	{"shop.v1.OrderCreated", order, `"createTime":"2024-05-01T10:00:00Z"`, `"createTime":null`, "event.data.createTime", "required"},
	{"shop.v1.OrderCreated", order, `"total":{"currency":"EUR"`, `"total":{"currency":"USD"`, "event.data", "order_created.one_currency"},
	{"shop.v1.OrderPaid", paid, `"minorUnits":"1"`, `"minorUnits":0`, "event.data.amount", "order_paid.amount_positive"},
	{"shop.v1.OrderPaid", paid, `"card":{"brand":"visa","lastFour":"4242"},`, ``, "event.data.method", "required"},
	{"shop.v1.OrderPaid", paid, `"4242"`, `"424"`, "event.data.card.lastFour", "string.pattern"},
	{"shop.v1.OrderShipped", shipped, `"B123"`, `"A123"`, "event.data.parcels", "order_shipped.tracking_numbers_unique"},
	{"shop.v1.OrderShipped", shipped, `"ABC-1":1`, `"ABC-1":0`, `event.data.parcels[1].contents["ABC-1"]`, "int32.gte"},
	{"shop.v1.OrderShipped", shipped, `"https://example.com/"`, `"not a uri"`, "event.data.trackingUrl", "string.uri"},
	{"shop.v1.OrderShipped", shipped, `"shipTime"`, `"expectedTransit":"7776001s","shipTime"`, "event.data.expectedTransit", "duration.gte_lte"},
	{"shop.v1.CustomerRegistered", customer, `ada@example.com`, `ada`, "event.data.email", "string.email"},
	{"shop.v1.CustomerRegistered", customer, `"source":"web"`, `"Source":"web"`, `event.data.labels["Source"]`, "string.pattern"},
}

func TestInvalidJSONPayloads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withSchemas(t, kindsSchemas, richSchemas))
	for _, test := range invalidJSON {
		text := strings.Replace(test.valid, test.old, test.replacement, 1)
		if test.old != "" && text == test.valid {
			t.Errorf("%s is not in the valid %s", test.old, test.eventType)
		}
		event := `{"type":"` + test.eventType + `","data":` + text + `}`
		got := w.post(publishPath, adminKey, `{"event":`+event+`}`)
		if got.status != http.StatusBadRequest || got.error(t).reason() != "SCHEMA_VIOLATION" {
			t.Errorf("%s: answers %d %s", text, got.status, got.body)
		}
		checkRefusal(t, w, text, test.field, test.rule, &postriderv1.Event{
			Type: test.eventType, Payload: &postriderv1.Event_JsonData{JsonData: text},
		})
	}
	t.Logf("%d invalid JSON payloads", len(invalidJSON))
	checkNoEvents(t, w)
}

func TestInvalidBinaryPayloads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withSchemas(t, kindsSchemas, richSchemas))
	varint := func(raw []byte, number protowire.Number, value uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(raw, number, protowire.VarintType), value)
	}
	text := func(raw []byte, number protowire.Number, content string) []byte {
		return protowire.AppendString(protowire.AppendTag(raw, number, protowire.BytesType), content)
	}
	inside := func(raw []byte, number protowire.Number, content []byte) []byte {
		return text(raw, number, string(content))
	}
	must := slices.Clip(varint(nil, 1, 1))
	tests := []struct {
		eventType   string
		payload     []byte
		field, rule string
	}{
		{"shop.v1.Money", []byte{0x0a}, "event.data", ""},
		{"shop.v1.Money", varint(text(nil, 1, "EUR"), 9, 1), "event.data", ""},
		{"shop.v1.Money", text(nil, 1, "\xff"), "event.data", ""},
		{"shop.v1.Money", text(nil, 1, "eur"), "event.data.currency", "string.pattern"},
		{"shop.v1.Money", varint(text(nil, 1, "EUR"), 2, 1<<63), "event.data.minorUnits", "int64.gte"},
		{"shop.v1.Address", text(text(nil, 2, "a"), 2, ""), "event.data.lines[1]", "string.min_len"},
		{"shop.v1.OrderPaid", inside(nil, 2, varint(nil, 9, 1)), "event.data.amount", ""},
		{"shop.v1.OrderPaid", inside(nil, 6, varint(nil, 2, 2_000_000_000)), "event.data.payTime", ""},
		{"test.v1.Kinds", inside(nil, 15, varint(nil, 99, 1)), "event.data.children[0]", ""},
		{"test.v1.Kinds", inside(nil, 16, inside(text(nil, 1, "k"), 2, varint(nil, 99, 1))), `event.data.byName["k"]`, ""},
		{"test.v1.Kinds", text(nil, 26, ""), "event.data.value", ""},
		{"test.v1.Kinds", inside(nil, 28, text(nil, 1, "/not.Known")), "event.data.any", ""},
		{"test.rich.Proto2", nil, "event.data.must", ""},
		{"test.rich.Proto2", varint(must, 7, 5), "event.data.closed", ""},
		{"test.rich.Proto2", text(must, 3, "\xff"), "event.data.text", ""},
		{"test.rich.Proto2", varint(must, 199, 5), "event.data", ""},
		{"test.rich.Proto2", varint(must, 105, 5), "event.data.[test.rich.ext_closed]", ""},
		{"test.rich.Proto3", inside(nil, 59, inside(text(nil, 1, "/test.rich.Proto2"), 2, nil)), "event.data.any.must", ""},
		{"test.rich.Proto3", inside(nil, 33, text(varint(nil, 1, 1), 1, "two keys")), "event.data", ""},
	}
	for _, test := range tests {
		checkRefusal(t, w, test.eventType, test.field, test.rule, &postriderv1.Event{
			Type: test.eventType, Payload: &postriderv1.Event_ProtoData{
				ProtoData: &anypb.Any{TypeUrl: "type.googleapis.com/" + test.eventType, Value: test.payload},
			},
		})
	}
	t.Logf("%d invalid binary payloads", len(tests))
	checkNoEvents(t, w)
}

// checkRefusal publishes an event alone and as the second of a batch, and looks that the details and the text of the
// error name the field.
func checkRefusal(t *testing.T, w *world, what, field, rule string, event *postriderv1.Event) {
	t.Helper()
	_, alone := w.admin().events.Publish(t.Context(), connect.NewRequest(&postriderv1.PublishRequest{Event: event}))
	good := &postriderv1.Event{Type: "order.created", Payload: &postriderv1.Event_JsonData{JsonData: `{}`}}
	_, second := w.admin().events.PublishBatch(t.Context(), connect.NewRequest(&postriderv1.PublishBatchRequest{
		Events: []*postriderv1.Event{good, event},
	}))
	for err, field := range map[error]string{alone: field, second: strings.Replace(field, "event.", "events[1].", 1)} {
		named := slices.ContainsFunc(violationsOf(err), func(v *validate.Violation) bool {
			return protovalidate.FieldPathString(v.GetField()) == field && v.GetRuleId() == rule && v.GetMessage() != ""
		})
		if !named || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: %v, %v; want %s %s", what, err, violationsOf(err), field, rule)
		}
	}
}

// violationsOf returns the detail that lists what an event breaks.
func violationsOf(err error) []*validate.Violation {
	var refused *connect.Error
	if !errors.As(err, &refused) {
		return nil
	}
	for _, detail := range refused.Details() {
		if value, err := detail.Value(); err == nil {
			if found, ok := value.(*validate.Violations); ok {
				return found.GetViolations()
			}
		}
	}
	return nil
}

func checkNoEvents(t *testing.T, w *world) {
	t.Helper()
	page, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(&postriderv1.ListEventsRequest{}))
	if err != nil || len(page.Msg.GetEvents()) > 0 {
		t.Errorf("stored: %v, %v", page, err)
	}
}
