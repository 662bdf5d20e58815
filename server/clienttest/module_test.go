package clienttest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a program requires that publishes one event: the modules of `go list -m all`, itself included, and the packages that
// it is linked from.
const (
	maxModules  = 12
	maxPackages = 260
)

// The client is a module of its own for this alone. A new import of the client, or of the generated code, can end it.
func TestUsersOfTheClientRequireFewModules(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs("../../client")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/hello\n\ngo 1.26.0\n\nrequire github.com/postrider-dev/postrider/client v0.0.0\n\n" +
			"replace github.com/postrider-dev/postrider/client => " + checkout + "\n",
		"main.go": "package main\n\nimport (\n\t\"github.com/postrider-dev/postrider/client\"\n" +
			"\t_ \"github.com/postrider-dev/postrider/client/webhook\"\n)\n\nfunc main() { client.New(\"http://127.0.0.1:8080\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		output, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, output)
		}
		return strings.Fields(string(output))
	}
	run("mod", "tidy")
	if modules := run("list", "-m", "-f", "{{.Path}}", "all"); len(modules) > maxModules {
		t.Errorf("a user requires %d modules, at most %d allowed:\n%s", len(modules), maxModules, strings.Join(modules, "\n"))
	}
	if packages := run("list", "-deps", "."); len(packages) > maxPackages {
		t.Errorf("a user is linked from %d packages, at most %d allowed:\n%s", len(packages), maxPackages, strings.Join(packages, "\n"))
	}
}
