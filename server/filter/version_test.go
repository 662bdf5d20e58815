package filter_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/postrider-dev/postrider/server/filter"
)

// What a version does not have reads as unset, whatever it is; what it has is read under that version.
func TestFieldsOfANewerVersionReadAsUnset(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	first := r.add("shop.Order", orderV1)
	old := event(t, "shop.Order", first, `{"orderId":"o-1","total":"5","lines":[{"sku":"A"}]}`)
	second := r.add("shop.Order", orderV2, withCoupon, withCustomer, withTags,
		withField("Line", `name: "gift" number: 9 label: LABEL_OPTIONAL type: TYPE_BOOL json_name: "gift"`))
	fresh := event(t, "shop.Order", second, `{"orderId":"o-2","total":"6","coupon":"SAVE","customer":{"tier":"gold","home":{"city":"Lund"}},
		"tags":["a"],"lines":[{"sku":"A","gift":true}]}`)
	c := filter.NewCompiler(r.schemas)
	tests := []struct {
		expression string
		old, fresh bool
	}{
		{`event.data.total > 4`, true, true},
		{`event.data.coupon == ""`, true, false},
		{`has(event.data.coupon)`, false, true},
		{`event.data.coupon == "SAVE"`, false, true},
		{`event.data.customer.tier == "gold"`, false, true},
		{`event.data.customer.tier == ""`, true, false},
		{`has(event.data.customer.home)`, false, true},
		{`event.data.customer.home.city == "Lund"`, false, true},
		{`event.data.tags.exists(t, t == "a")`, false, true},
		{`size(event.data.tags) == 0`, true, false},
		{`event.data.lines.exists(l, l.gift)`, false, true},
		{`event.data.lines.exists(l, l.sku == "A")`, true, true},
	}
	for _, tt := range tests {
		if v := match(c, tt.expression, old); v.Err != nil || v.Matched != tt.old {
			t.Errorf("%s on the old version: %+v, want %t", tt.expression, v, tt.old)
		}
		if v := match(c, tt.expression, fresh); v.Err != nil || v.Matched != tt.fresh {
			t.Errorf("%s on the new version: %+v, want %t", tt.expression, v, tt.fresh)
		}
	}
}

// An expression that was compiled before a field came knows it afterwards; one on a type of its own that does not compile
// never selects, and says so.
func TestANewVersionIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	old := event(t, "shop.Order", r.add("shop.Order", orderV1), `{"total":"5"}`)
	c := filter.NewCompiler(r.schemas)
	const expression = `event.data.coupon == ""`
	before := match(c, expression, old)
	want := "filter error: does not compile for shop.Order version 1: 1:12: undefined field 'coupon'"
	if before.Matched || before.Err == nil || before.Err.Error() != want {
		t.Errorf("before: %+v, want %q", before, want)
	}
	r.add("shop.Order", orderV1, withCoupon)
	if after := match(c, expression, old); !after.Matched {
		t.Errorf("after: %+v", after)
	}
	if v := match(c, expression, event(t, "old.Legacy", r.add("old.Legacy", legacy), `{"name":"n"}`)); v.Matched || v.Err == nil {
		t.Errorf("another type: %+v", v)
	}
}

// What an expression may cost is bounded, whatever the event.
func TestTheCostIsBounded(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	c := filter.NewCompiler(r.schemas)
	large := event(t, "list", nil, `{"n":[`+strings.Repeat("1,", 2000)+`1],"text":"`+strings.Repeat("a", 300_000)+`"}`)
	for _, expression := range []string{
		`event.data.n.all(a, event.data.n.all(b, event.data.n.all(c, a + b + c > 0)))`,
		`event.data.text.matches("(a|aa|aaa)+$")`,
		`event.data.n.map(x, event.data.text + event.data.text).size() > 3`,
		`event.data.n.exists(x, event.data != event.data)`,
		`event.data.n.exists(x, x in event.data.n && 2 in event.data.n)`,
		`event.data.n.exists(x, event.data.text.replace("a", "aaaaaaaaaa") == "")`,
	} {
		if verdict := match(c, expression, large); !verdict.Exceeded || !strings.Contains(verdict.Err.Error(), "takes too long") {
			t.Errorf("%s: %+v", expression, verdict)
		}
	}
	if v := match(c, `event.data.n.all(a, a == 1) && event.data.n == event.data.n`, large); !v.Matched {
		t.Errorf("what is cheap enough: %+v", v)
	}
}

// Where a step itself takes long, as on a map of a large payload, it costs more.
func TestAStepOnALargeMapCostsMore(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	var entries []string
	for i := range 30_000 {
		entries = append(entries, fmt.Sprintf(`"key-%d":"v"`, i))
	}
	large := event(t, "shop.Order", r.add("shop.Order", orderV1), `{"labels":{`+strings.Join(entries, ",")+`},"lines":[`+
		strings.Repeat(`{"sku":"A"},`, 1000)+`{"sku":"B"}]}`)
	c := filter.NewCompiler(r.schemas)
	if v := match(c, `event.data.lines.exists(l, event.data.labels["key-1"] != l.sku)`, large); !v.Matched {
		t.Errorf("a look-up: %+v", v)
	}
	if v := match(c, `event.data.lines.exists(l, event.data.labels.exists(k, k != "x") && l.sku == "C")`, large); !v.Exceeded {
		t.Errorf("got %+v", v)
	}
}

// An Any is decoded each time it is read.
func TestReadingAnAnyInALoopCostsWhatItHolds(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	held := `{"any":{"@type":"type.googleapis.com/modern.Thing","note":"` + strings.Repeat("x", 200_000) + `"},"extra":{"l":[` +
		strings.Repeat("1,", 2000) + `2]}}`
	large := event(t, "modern.Thing", r.add("modern.Thing", modern), held)
	c := filter.NewCompiler(r.schemas)
	if v := match(c, `event.data.any.note != "" && event.data.extra.l[2000] == 2`, large); !v.Matched {
		t.Errorf("once: %+v", v)
	}
	if v := match(c, `event.data.extra.l.exists(l, event.data.any.count == 7u)`, large); !v.Exceeded {
		t.Errorf("in a loop: %+v", v)
	}
}

// The same text is one expression as long as somebody has it, and forgotten after.
func TestExpressionsAreShared(t *testing.T) {
	t.Parallel()
	c := filter.NewCompiler(newRegistry(t).schemas)
	a, b := c.Expression(`event.type == "x"`), c.Expression(`event.type == "x"`)
	if a != b {
		t.Error("two expressions of one text")
	}
	runtime.KeepAlive(a)
	if c.Expression("") != nil {
		t.Error("no text is an expression")
	}
}

// Everything is used by many at once.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	version := r.add("shop.Order", orderV1)
	c := filter.NewCompiler(r.schemas)
	e := event(t, "shop.Order", version, `{"total":"5","lines":[{"sku":"A"}]}`)
	e.Position = 7
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if v := match(c, `event.data.lines.exists(l, l.sku == "A") && event.data.coupon == ""`, e); v.Matched {
					break
				}
			}
		})
	}
	r.add("shop.Order", orderV1, withCoupon)
	all.Wait()
	if v := match(c, `event.data.lines.exists(l, l.sku == "A") && event.data.coupon == ""`, e); !v.Matched {
		t.Errorf("in the end: %+v", v)
	}
}
