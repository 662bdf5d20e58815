package compile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// foreignFiles holds schemas of others: every .proto file of the npm package google-proto-files.
const foreignFiles = "../../../node_modules/google-proto-files"

// TestForeignSchemasRegister compiles and selects all foreign files. At least 99 of 100 register as they are; each of the
// others is listed with its reason.
func TestForeignSchemasRegister(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	library := readLibrary(t, foreignFiles)
	refused := make(map[string]string)
	types := make(map[string]bool)
	for _, folder := range library.folders() {
		if library.register(t, types, library.in[folder]...) == nil {
			continue
		}
		// One refused file makes its whole folder fail, so try the files one by one.
		for _, file := range library.in[folder] {
			if err := library.register(t, types, file); err != nil {
				refused[file] = reason(err)
			}
		}
	}
	for _, file := range slices.Sorted(maps.Keys(refused)) {
		t.Logf("refused: %s: %s", file, refused[file])
	}
	registered := len(library.text) - len(refused)
	tell(t, "%d of %d foreign .proto files register, with %d event types; %d are refused",
		registered, len(library.text), len(types), len(refused))
	if float64(registered) < 0.99*float64(len(library.text)) {
		t.Errorf("%d of %d files register", registered, len(library.text))
	}
}

// library is a folder of .proto files that import each other.
type library struct {
	text map[string]string
	in   map[string][]string
}

func readLibrary(t *testing.T, root string) library {
	t.Helper()
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("google-proto-files is not installed: npm ci")
		}
		t.Skip("SKIPPED: google-proto-files is not installed, run `npm ci`; no schema of others is tried")
	}
	read := library{text: make(map[string]string), in: make(map[string][]string)}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".proto" {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file := filepath.ToSlash(strings.TrimPrefix(name, root+"/"))
		read.text[file] = string(content)
		read.in[path.Dir(file)] = append(read.in[path.Dir(file)], file)
		return nil
	})
	if err != nil || len(read.text) == 0 {
		t.Fatal(len(read.text), err)
	}
	return read
}

func (l library) folders() []string { return slices.Sorted(maps.Keys(l.in)) }

// register compiles files with their imports, as a user would send them, and records their types.
func (l library) register(t *testing.T, types map[string]bool, files ...string) error {
	t.Helper()
	set, err := compile.Compile(t.Context(), l.closure(files...))
	if err != nil {
		return err
	}
	found, err := compile.Select(set, compile.Selection{All: true})
	if err != nil {
		return err
	}
	for _, one := range found {
		types[one.Type] = true
	}
	return nil
}

// closure returns files with everything they import.
func (l library) closure(files ...string) (sent []compile.Source) {
	seen := make(map[string]bool)
	for queue := files; len(queue) > 0; queue = queue[1:] {
		if text, there := l.text[queue[0]]; there && !seen[queue[0]] {
			seen[queue[0]] = true
			sent = append(sent, compile.Source{Path: queue[0], Content: text})
			queue = append(slices.Clip(queue), compile.Imports(text)...)
		}
	}
	return sent
}

// reason is the first fault of a refused schema.
func reason(err error) string {
	var invalid *gateway.Error
	if errors.As(err, &invalid) && len(invalid.Fields) > 0 {
		return invalid.Fields[0].Field + ": " + invalid.Fields[0].Message
	}
	return err.Error()
}

// tell logs the counts of a test, and appends them to the file that POSTRIDER_TEST_COUNTS names.
func tell(t *testing.T, format string, args ...any) {
	t.Helper()
	line := t.Name() + ": " + fmt.Sprintf(format, args...)
	t.Log(line)
	name := os.Getenv("POSTRIDER_TEST_COUNTS")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}
