package main

import (
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The help named values by the types of Go that hold them: stringArray, durationSlice (default []), int32.
func TestHelpNamesValuesForPeople(t *testing.T) {
	t.Parallel()
	goTypes := []string{"strings", "stringArray", "durationSlice", "duration", "int", "int32", "string"}
	flags := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flags++; slices.Contains(goTypes, flag.Value.Type()) || flag.DefValue == "[]" || flag.DefValue == "0s" {
				t.Errorf("%s: --%s %s (default %s)", cmd.CommandPath(), flag.Name, flag.Value.Type(), flag.DefValue)
			}
		})
		for _, child := range cmd.Commands() {
			visit(child)
		}
	}
	visit(newCommand(environment{}))
	if flags < 40 {
		t.Errorf("only %d flags were found", flags)
	}
}
