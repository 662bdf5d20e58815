package filter_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/meter/metertest"
)

// undeclared are the functions that an expression cannot name.
var undeclared = []string{"@range", "_in_", "in", "__not_strictly_false__"}

// The table of costly expressions has every function of the environment: a new one needs a row.
func TestEveryFunctionIsInTheTableOfCostlyExpressions(t *testing.T) {
	t.Parallel()
	names, err := filter.Functions()
	if err != nil {
		t.Fatal(err)
	}
	var covered []string
	for _, row := range metertest.Expressions() {
		if row.Filter != "" {
			covered = append(covered, row.Functions...)
		}
	}
	for name := range names {
		if !slices.Contains(covered, name) && !slices.Contains(undeclared, name) {
			t.Errorf("%s has no row", name)
		}
	}
}

// What an evaluation may take, far more than it does.
const (
	maxMemory    = 48 << 20
	maxProcessor = 2 * time.Second
)

// No expression takes more than the budget of an event, whatever it is and whatever the event.
func TestCostlyExpressionsAreBounded(t *testing.T) {
	large := event(t, "costly", nil, string(metertest.Payload()))
	for _, row := range metertest.Expressions() {
		if row.Filter == "" {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			c := filter.NewCompiler(newRegistry(t).schemas)
			x, subject := c.Expression(row.Filter), c.Subject(large)
			c.Expression(`event.data.t == ''`).Match(subject) // The payload is read once for all.
			var verdict filter.Verdict
			metertest.Bounded(t, maxMemory, maxProcessor, func() { verdict = x.Match(subject) })
			if verdict.Err != nil && !verdict.Exceeded {
				t.Errorf("%s: %v", row.Filter, verdict.Err)
			}
			metertest.Bounded(t, maxMemory, maxProcessor, func() {
				if _, reason := x.Explain(subject); verdict.Exceeded != strings.Contains(reason, "takes too long") {
					t.Errorf("explained: %q, matched: %+v", reason, verdict)
				}
			})
		})
	}
}
