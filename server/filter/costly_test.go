package filter_test

import (
	"runtime"
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

// What an evaluation may take: all memory that it asks for in the course of it, and time, which is far more than it takes
// alone on a machine.
const (
	maxMemory = 48 << 20
	maxTime   = 2 * time.Second
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
			verdict := bounded(t, func() filter.Verdict { return x.Match(subject) })
			if verdict.Err != nil && !verdict.Exceeded {
				t.Errorf("%s: %v", row.Filter, verdict.Err)
			}
			bounded(t, func() filter.Verdict {
				_, reason := x.Explain(subject)
				if verdict.Exceeded != strings.Contains(reason, "takes too long") {
					t.Errorf("explained: %q, matched: %+v", reason, verdict)
				}
				return verdict
			})
		})
	}
}

// bounded runs an evaluation and looks at what it took.
func bounded(t *testing.T, evaluate func() filter.Verdict) filter.Verdict {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	verdict := evaluate()
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	memory := after.TotalAlloc - before.TotalAlloc
	t.Logf("%v, %d KiB, exceeded: %t", took.Round(10*time.Microsecond), memory>>10, verdict.Exceeded)
	if memory > maxMemory || took > maxTime {
		t.Errorf("it took %v and %d KiB", took, memory>>10)
	}
	return verdict
}
