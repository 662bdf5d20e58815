package server_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every place that docs/architecture.md sends its reader to is there.
func TestTheArchitecturePointsAtFilesThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	path := regexp.MustCompile("`((?:server|ent|proto|web|client|gen|bench|docs)/[a-zA-Z0-9_./-]*)`")
	rows := 0
	for line := range strings.Lines(string(text)) {
		for _, found := range path.FindAllStringSubmatch(line, -1) {
			if strings.HasPrefix(line, "| ") {
				rows++
			}
			if _, err := os.Stat(filepath.Join("..", found[1])); err != nil {
				t.Errorf("%s is not there: %s", found[1], strings.TrimSpace(line))
			}
		}
	}
	if rows < 10 {
		t.Errorf("the table names %d files, want at least 10", rows)
	}
}
