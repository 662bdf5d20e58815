package filter_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter/metertest"
)

// A caller could have compiles without end run at once, and they went on after it had left.
func TestChecksOfATenantTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	synctest.Test(t, func(t *testing.T) {
		c := filter.NewCompiler(r.schemas)
		check := func(ctx context.Context, tenant gateway.TenantID) (done chan error) {
			done = make(chan error, 1)
			go func() {
				_, err := c.Check(ctx, tenant, gateway.Filter{Expression: "event.id == 'a'"})
				done <- err
			}()
			synctest.Wait()
			return done
		}
		giveBack := c.TakeCheck(1)
		ctx, leave := context.WithCancel(t.Context())
		left, next, other := check(ctx, 1), check(t.Context(), 1), check(t.Context(), 2)
		if len(left)+len(next)+len(other) > 0 {
			t.Error("a check did not wait, though as many are under way as may be")
		}
		leave()
		synctest.Wait()
		if len(left) == 0 || !errors.Is(<-left, context.Canceled) {
			t.Error("a check goes on without its caller")
		}
		if err := <-check(ctx, 3); !errors.Is(err, context.Canceled) {
			t.Errorf("a check for a caller who has left: %v", err)
		}
		giveBack()
		if err := errors.Join(<-next, <-other); err != nil {
			t.Error(err)
		}
	})
}

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
				if report := checked(t, c, all); report.Refused != (name != "a long one") || report.Refused == (len(report.Problems) == 0) {
					t.Errorf("refused: %t, %.300v", report.Refused, report.Problems)
				}
			})
		})
	}
}
