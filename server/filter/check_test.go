package filter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.add("shop.Order", orderV2, withCustomer)
	r.add("old.Legacy", legacy)
	c := filter.NewCompiler(r.schemas)
	order, all, untyped := []string{"shop.Order"}, []string(nil), []string{"order.created"}
	tests := []struct {
		name, expression string
		types            []string
		// want are the problems as "type line:column: message"; refused when the first begins with a digit.
		want []string
	}{
		{"right", `event.data.total > 3`, order, nil},
		{"attributes of all types", `event.type == "x"`, all, nil},
		{"wrong field", `event.data.totl > 3`, order, []string{"1:12: undefined field 'totl'; did you mean total?"}},
		{"wrong field of two swapped letters", `event.data.toatl > 3`, order, []string{"1:12: undefined field 'toatl'; did you mean total?"}},
		{"wrong JSON name", `event.data.shipsTo.city == "x"`, order, []string{"1:12: undefined field 'shipsTo'; did you mean ship_to?"}},
		{"nothing near", `event.data.elephant > 3`, order, []string{"1:12: undefined field 'elephant'"}},
		{
			"on the second line, after a wide character", "event.subject == \"é\" &&\n  event.data.ordr_id == 'x'", order,
			[]string{"2:14: undefined field 'ordr_id'; did you mean order_id?"},
		},
		{
			"columns are characters", `event.subject == "éé" && event.data.totl > 3`, order,
			[]string{"1:37: undefined field 'totl'; did you mean total?"},
		},
		{"in a comprehension", `event.data.lines.exists(l, l.skuu == "x")`, order, []string{"1:30: undefined field 'skuu'; did you mean sku?"}},
		{"of an element", `event.data.lines[0].quantty > 1u`, order, []string{"1:21: undefined field 'quantty'; did you mean quantity?"}},
		{"one level too high", `event.data.city == "x"`, order, []string{"1:12: undefined field 'city'; did you mean ship_to.city?"}},
		{"without data", `event.total > 3`, order, []string{"1:7: undefined field 'total'; did you mean data.total?"}},
		{"without event", `total > 3`, order, []string{"1:1: undeclared reference to 'total'; did you mean event.data.total?"}},
		{"attribute without event", `type == "x"`, untyped, []string{"1:6: found no matching overload for '_==_' applied to '(type(type), string)'"}},
		{"wrong variable", `evnt.type == "x"`, order, []string{"1:1: undeclared reference to 'evnt'; did you mean event?"}},
		{"wrong attribute", `event.subjct == "x"`, untyped, []string{"1:7: undefined field 'subjct'; did you mean subject?"}},
		{"wrong function", `event.subject.startWith("x")`, order, []string{"1:24: undeclared reference to 'startWith'; did you mean startsWith?"}},
		{
			"wrong operand", `event.data.total == "3"`, order,
			[]string{"1:18: found no matching overload for '_==_' applied to '(int, string)'"},
		},
		{"two problems", `event.data.totl > 3 && event.data.wight > 1.0`, order, []string{
			"1:12: undefined field 'totl'; did you mean total?", "1:35: undefined field 'wight'; did you mean weight?",
		}},
		{"not a bool", `event.data.total`, order, []string{"1:1: must be true or false, and is an int"}},
		{"not a bool without a schema", `size(event.data)`, untyped, []string{"1:1: must be true or false, and is an int"}},
		{"syntax", `event.data.total >`, order, []string{"1:19: syntax error: mismatched input '<EOF>'"}},
		{"syntax in the middle", `event.data.total > > 3`, order, []string{"1:20: syntax error: extraneous input '>'"}},
		{"a regular expression that is none", `event.subject.matches("(")`, order, []string{"1:23: invalid matches argument"}},
		{"compiles for some", `event.data.total > 3`, all, []string{"old.Legacy 1:12: undefined field 'total'"}},
		{
			"compiles for none", `event.data.totl > 3`,
			[]string{"*"},
			[]string{"1:12: undefined field 'totl'; did you mean total?"},
		},
		{
			"compiles for an untyped one among them", `event.data.amount > 3`,
			[]string{"shop.Order", "payment.made"},
			[]string{"shop.Order 1:12: undefined field 'amount'"},
		},
		{"untyped only", `event.data.whatever.deep[0] > 3`, untyped, nil},
		{"pattern that selects no registered type", `event.data.whatever > 3`, []string{"billing.*"}, nil},
		{
			"too long", `event.subject == "` + strings.Repeat("x", gateway.MaxExpressionLength) + `"`, order,
			[]string{"1:1: expression code point size exceeds limit"},
		},
		{
			"too deep", strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200), order,
			[]string{"1:1: expression recursion limit exceeded: 100"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report := checked(t, c, gateway.Filter{Types: tt.types, Expression: tt.expression})
			var got []string
			for _, p := range report.Problems {
				got = append(got, strings.TrimSpace(p.Type+" "+p.String()))
			}
			same := len(got) == len(tt.want)
			for i := range min(len(got), len(tt.want)) {
				same = same && strings.HasPrefix(got[i], tt.want[i])
			}
			if !same {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			refused := len(tt.want) > 0 && tt.want[0][0] < 'A'
			if report.Refused != refused {
				t.Errorf("refused: %t, want %t", report.Refused, refused)
			}
			err := report.Err("subscription.filter.expression")
			if (err != nil) != refused {
				t.Errorf("error %v", err)
			}
			var fault *gateway.Error
			if refused && (!errors.As(err, &fault) || fault.Code != gateway.CodeInvalid || fault.Reason != gateway.ReasonInvalidFilter ||
				fault.Fields[0].Field != "subscription.filter.expression" || !strings.Contains(fault.Message, tt.want[0])) {
				t.Errorf("error %+v", err)
			}
		})
	}
}

// checked is the report of a check that nothing interrupts.
func checked(t *testing.T, c *filter.Compiler, f gateway.Filter) filter.Report {
	t.Helper()
	report, err := c.Check(t.Context(), 1, f)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// A candidate for a new version is checked without being registered.
func TestCheckType(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	present := r.add("shop.Order", orderV2, withCoupon)
	elsewhere := newRegistry(t)
	candidate := elsewhere.add("shop.Order", orderV1)
	c := filter.NewCompiler(r.schemas)
	const expression = `event.data.coupon != ""`
	if problems, err := c.CheckType(t.Context(), 0, expression, present); err != nil || len(problems) > 0 {
		t.Errorf("the present version: %v, %v", problems, err)
	}
	problems, err := c.CheckType(t.Context(), 0, expression, candidate)
	if err != nil || fmt.Sprint(problems) != "[1:12: undefined field 'coupon']" || problems[0].Type != "shop.Order" {
		t.Errorf("the candidate: %v", problems)
	}
	if verdict := match(c, expression, event(t, "shop.Order", present, `{"coupon":"x"}`)); !verdict.Matched {
		t.Errorf("after the check of a candidate: %+v", verdict)
	}
}
