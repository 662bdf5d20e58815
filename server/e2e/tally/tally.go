// Package tally prints what a test has counted, even if the test passes.
package tally

import (
	"fmt"
	"os"
	"testing"
)

// Print prints the one line that says what a test has seen, and appends it to the file POSTRIDER_TEST_COUNTS names, for
// runners that show no output of tests that pass.
func Print(t testing.TB, format string, args ...any) {
	t.Helper()
	line := t.Name() + ": " + fmt.Sprintf(format, args...) + "\n"
	fmt.Print(line)
	name := os.Getenv("POSTRIDER_TEST_COUNTS")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteString(line); err != nil {
		t.Fatal(err)
	}
}
