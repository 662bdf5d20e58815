// Package examples_test checks that the programs in the README are the ones that are compiled.
package examples_test

import (
	"os"
	"strings"
	"testing"
)

func TestReadmeShowsTheExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for language, file := range map[string]string{
		"go": "quickstart/main.go", "ts": "quickstart/main.ts", "js": "receivers/receiver.mjs",
	} {
		program, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "```"+language+"\n"+string(program)+"```") {
			t.Errorf("README.md does not show %s as it is", file)
		}
	}
}
