package gateway_test

import (
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		types []string
		event string
		want  bool
	}{
		{nil, "anything", true},
		{[]string{"*"}, "anything.at.all", true},
		{[]string{"order.created"}, "order.created", true},
		{[]string{"order.created"}, "order.created.late", false},
		{[]string{"order.*"}, "order.created", true},
		{[]string{"order.*"}, "order.created.late", true},
		{[]string{"order.*"}, "order", false},
		{[]string{"order.*"}, "orders.created", false},
		{[]string{"a", "b.*"}, "b.c", true},
		{[]string{"a", "b.*"}, "c", false},
		{[]string{"a", "*"}, "c", true},
	} {
		f := gateway.Filter{Types: c.types}
		if got := f.Match(c.event); got != c.want {
			t.Errorf("%v selects %q: %v", c.types, c.event, got)
		}
		if f.MatchesAll() && !c.want {
			t.Errorf("%v is said to select all", c.types)
		}
	}
}

func TestMatchesAll(t *testing.T) {
	for _, c := range []struct {
		types []string
		want  bool
	}{{nil, true}, {[]string{"a", "*"}, true}, {[]string{"a.*"}, false}} {
		if got := (gateway.Filter{Types: c.types}).MatchesAll(); got != c.want {
			t.Errorf("%v: %v", c.types, got)
		}
	}
}

func TestValidTypesAndPatterns(t *testing.T) {
	long := strings.Repeat("x", gateway.MaxTypeLength)
	for _, c := range []struct {
		text              string
		isType, isPattern bool
	}{
		{"order", true, true},
		{"order.created", true, true},
		{"shop.v1.Order_Created-2", true, true},
		{long, true, true},
		{long + "x", false, true},
		{long + ".*", false, true},
		{long + "xxx", false, false},
		{"*", false, true},
		{"order.*", false, true},
		{"", false, false},
		{".", false, false},
		{"order.", false, false},
		{".order", false, false},
		{"a..b", false, false},
		{"order*", false, false},
		{"*.created", false, false},
		{"order.*.x", false, false},
		{"**", false, false},
		{"ördér", false, false},
		{"a b", false, false},
		{"a\n", false, false},
	} {
		if got := gateway.ValidType(c.text); got != c.isType {
			t.Errorf("%q is a type: %v", c.text, got)
		}
		if got := gateway.ValidPattern(c.text); got != c.isPattern {
			t.Errorf("%q is a pattern: %v", c.text, got)
		}
	}
}

func TestValidEventID(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "evt_01:x-Y": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "ä": false, "a\n": false, "a/b": false,
	} {
		if got := gateway.ValidEventID(id); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}
