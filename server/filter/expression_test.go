package filter_test

import (
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

const orderData = `{"orderId":"o-1","total":"250","status":"STATUS_PAID","lines":[{"sku":"A","quantity":2},{"sku":"B","quantity":1}],
"labels":{"channel":"web"},"placeTime":"2026-03-04T05:06:07Z","shipTo":{"city":"Lund"},"weight":1.5}`

// Every expression is asked of an event of each kind of schema.
func TestMatch(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	order := event(t, "shop.Order", r.add("shop.Order", orderV1), orderData)
	old := event(t, "old.Legacy", r.add("old.Legacy", legacy), `{"name":"n","part":[{"weight":0.5}]}`)
	thing := event(t, "modern.Thing", r.add("modern.Thing", modern), `{"count":"0","wait":"90s","raw":"aGk=","right":false,
		"extra":{"a":{"b":[1,2.5,"x",null,true]}},"any":{"@type":"type.googleapis.com/modern.Thing","count":"3"},
		"byId":{"7":{"note":"seven"}}}`)
	untyped := event(t, "order.created", nil, `{"total":9007199254740993,"price":1.10,"big":1e400,"vat":20,"items":[{"sku":"A"}],
		"customer":{"tier":"gold","since":null},"paid":true,"odd name":1}`)
	c := filter.NewCompiler(r.schemas)
	tests := []struct {
		expression string
		event      *gateway.Event
		want       string // "true", "false", or a part of the error
	}{
		// attributes
		{`event.type == "shop.Order"`, order, "true"},
		{`event.type.startsWith("shop.") && event.source == "shop" && event.id == "evt_1"`, order, "true"},
		{`event.subject == "order-7"`, untyped, "true"},
		{`event.subject == "order-8"`, untyped, "false"},
		{`has(event.subject)`, order, "true"},
		{`event.time < event.accept_time && event.accept_time - event.time == duration("1s")`, order, "true"},
		{`event.acceptTime > timestamp("2027-01-01T00:00:00Z")`, order, "false"},
		{`event.time.getFullYear() == 2026 && event.time.getHours("Europe/Stockholm") == 6`, order, "true"},
		{`event == event`, order, "filter error: event cannot be used as a whole"},
		// proto3
		{`event.data.total > 100`, order, "true"},
		{`event.data.total > 250`, order, "false"},
		{`event.data.total >= 250.0`, order, "true"},
		{`event.data.order_id == "o-1"`, order, "true"},
		{`event.data.orderId == "o-1"`, order, "true"},
		{`has(event.data.orderId) && has(event.data.ship_to)`, order, "true"},
		{`event.data.status == shop.Status.STATUS_PAID`, order, "true"},
		{`event.data.status == Status.STATUS_PAID`, order, "true"},
		{`event.data.status == Status.STATUS_UNSPECIFIED`, order, "false"},
		{`event.data.lines.exists(l, l.sku == "B" && l.quantity == 1u)`, order, "true"},
		{`event.data.lines.all(l, l.quantity > 1)`, order, "false"},
		{`event.data.lines[0].sku == "A" && size(event.data.lines) == 2`, order, "true"},
		{`event.data.lines[5].sku == "A"`, order, "filter error: index out of bounds: 5"},
		{`event.data.lines.map(l, l.sku).join(",") == "A,B"`, order, "true"},
		{`event.data.lines.map(l, l.sku).unique()`, order, "true"},
		{`event.data.lines.filter(l, l.sku == "A")[0] == event.data.lines[0]`, order, "true"},
		{`event.data.labels["channel"] == "web" && event.data.labels.channel == "web"`, order, "true"},
		{`"channel" in event.data.labels && !("x" in event.data.labels)`, order, "true"},
		{`event.data.labels["x"] == "web"`, order, "filter error: no such key: x"},
		{`event.data.labels.?x.orValue("none") == "none"`, order, "true"},
		{`event.data.labels.exists(k, k == "channel")`, order, "true"},
		{`event.data.labels == {"channel": "web"} && {"channel": "web"} == event.data.labels && event.data.labels.size() == 1`, order, "true"},
		{`type(event.data.labels) == map && event.data.labels != {}`, order, "true"},
		{`event.data.place_time == event.time`, order, "true"},
		{`event.data.ship_to.city.lowerAscii() == "lund"`, order, "true"},
		{`dyn(event.data).orderId == "o-1" && dyn(event.data).ship_to.city == "Lund"`, order, "true"},
		{`dyn(event.data).nothing == 1`, order, "filter error: no such field: nothing"},
		{`type(event.data.ship_to) == shop.Address`, order, "true"},
		{`event.data.ship_to == Address{city: "Lund"}`, order, "filter error: a filter cannot make a shop.Address"},
		{`event.data.weight == 1.5 && !event.data.weight.isNan()`, order, "true"},
		{`event.data.order_id.matches("^o-[0-9]+$")`, order, "true"},
		{`event.data.order_id.matches("^o-[0-9]{1}$")`, order, "true"},
		{`event.data.order_id.matches("^" + "o-[0-9]{1,4}$")`, order, "true"},
		{`event.data.order_id.matches("(a{30}){33}b{99}")`, order, "too large: more than 1000 steps"},
		{`event.data.order_id.matches("(a{30}){33}b{99}" + "")`, order, "too large: more than 1000 steps"},
		{`event.data.order_id.matches("(" + "")`, order, "filter error: error parsing regexp"},
		{`event.data.order_id.isEmail()`, order, "false"},
		{`1 / (event.data.total - 250) > 0`, order, "filter error: division by zero"},
		{`event.data.total > 0 || 1 / 0 > 0`, order, "true"},
		// proto2: a default, presence, a group
		{`event.data.size == 7 && !has(event.data.size)`, old, "true"},
		{`event.data.part[0].weight == 0.5`, old, "true"},
		{`has(event.data.name) && event.data.name == "n"`, old, "true"},
		// edition 2023: presence, well-known types, oneof, any, a map of messages
		{`has(event.data.count) && event.data.count == 0u`, thing, "true"},
		{`event.data.note == null`, thing, "true"},
		{`event.data.wait > duration("1m")`, thing, "true"},
		{`event.data.raw == b"hi"`, thing, "true"},
		{`has(event.data.right) && !has(event.data.left) && event.data.left == ""`, thing, "true"},
		{`event.data.extra.a.b[0] == 1 && event.data.extra.a.b[1] == 2.5 && event.data.extra.a.b[3] == null`, thing, "true"},
		{`event.data.any.count == 3u`, thing, "true"},
		{`event.data.by_id[7].note == "seven" && event.data.byId[7].note != null`, thing, "true"},
		{`8 in event.data.by_id || 4294967303 in event.data.by_id || !(7 in event.data.by_id)`, thing, "false"},
		{`event.data.by_id[dyn(7u)].note == "seven"`, thing, "true"},
		// untyped
		{`event.data.total == 9007199254740993`, untyped, "true"},
		{`event.data.total == 9007199254740992`, untyped, "false"},
		{`event.data.price == 1.1 && event.data.price > 1`, untyped, "true"},
		{`event.data.big > 1e300`, untyped, "true"},
		{`event.data.vat > 19.5 && event.data.vat == 20`, untyped, "true"},
		{`event.data.items.exists(i, i.sku == "A")`, untyped, "true"},
		{`event.data.customer.tier in ["gold", "silver"]`, untyped, "true"},
		{`event.data.customer.since == null`, untyped, "true"},
		{`event.data["odd name"] == 1`, untyped, "true"},
		{`event.data.paid`, untyped, "true"},
		{`event.data.price`, untyped, "filter error: the result is a double, not true or false"},
		{`event.data.none == 1`, untyped, "filter error: no such key: none"},
		{`has(event.data.none) && event.data.none == 1`, untyped, "false"},
		{`event.data.customer > 3`, untyped, "filter error: no such overload"},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			t.Parallel()
			verdict := match(c, tt.expression, tt.event)
			switch tt.want {
			case "true", "false":
				if verdict.Err != nil || verdict.Matched != (tt.want == "true") {
					t.Errorf("got %+v, want %s", verdict, tt.want)
				}
			default:
				if verdict.Err == nil || !strings.Contains(verdict.Err.Error(), tt.want) || verdict.Matched {
					t.Errorf("got %+v, want the error %q", verdict, tt.want)
				}
			}
		})
	}
}
