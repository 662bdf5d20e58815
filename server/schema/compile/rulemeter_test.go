package compile_test

import (
	"slices"
	"testing"

	"github.com/postrider-dev/postrider/server/meter/metertest"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// undeclared are the functions that a rule cannot name.
var undeclared = []string{"@range", "_in_", "in", "__not_strictly_false__"}

// The table of costly expressions must have a row for every function that rules can call.
func TestEveryFunctionOfRulesIsInTheTableOfCostlyExpressions(t *testing.T) {
	t.Parallel()
	names, err := compile.RuleFunctions()
	if err != nil {
		t.Fatal(err)
	}
	var covered []string
	for _, row := range metertest.Expressions() {
		if row.Rule != "" {
			covered = append(covered, row.Functions...)
		}
	}
	for name := range names {
		if !slices.Contains(covered, name) && !slices.Contains(undeclared, name) {
			t.Errorf("%s has no row", name)
		}
	}
}
