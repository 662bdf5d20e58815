package filter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter/metertest"
)

// An expression was compiled anew for each of a hundred types that nobody has registered, and for each type though it is no
// expression; each of its wrong patterns was shown with the whole expression. A stream or a test of a filter took minutes.
func TestAnExpressionIsCheckedInLittleTimeForManyTypes(t *testing.T) {
	r := newRegistry(t)
	for i := range 20 {
		r.add(fmt.Sprintf("registered.T%d", i), fmt.Sprintf(`name: "t%d.proto" package: "registered" syntax: "proto3" message_type { name: "T%d" }`, i, i))
	}
	all := gateway.Filter{Types: []string{"registered.*"}}
	for i := range 100 {
		all.Types = append(all.Types, fmt.Sprintf("untyped.t%d", i))
	}
	c := filter.NewCompiler(r.schemas)
	for name, expression := range map[string]string{
		"nested too deep": strings.Repeat("event.data.a.map(x,", 60) + "x" + strings.Repeat(")", 60) + " ==",
		"wrong patterns":  strings.Repeat("event.id.matches('(((a?){9}){9}){9}')||", 100) + "true",
		"a long one":      strings.Repeat("event.id=='a'||", 250) + "true",
	} {
		all.Expression = expression
		t.Run(name, func(t *testing.T) {
			metertest.Bounded(t, 512<<20, 6*time.Second, func() {
				if report := c.Check(all); report.Refused != (name != "a long one") || report.Refused == (len(report.Problems) == 0) {
					t.Errorf("refused: %t, %.300v", report.Refused, report.Problems)
				}
			})
		})
	}
}
