package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
)

// Imports returns the paths that a .proto text imports, in order and each once. It uses the compiler's own parser and
// ignores syntax errors, which compiling reports.
func Imports(text string) []string {
	if _, deep := openTooDeep(text); deep {
		return nil
	}
	passOver := reporter.NewReporter(func(reporter.ErrorWithPos) error { return nil }, nil)
	file, _ := parser.Parse("", strings.NewReader(text), reporter.NewHandler(passOver))
	var paths []string
	for _, one := range importsOf(file) {
		if path := one.Name.AsString(); !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// maxImportDepth bounds how long a chain of imports may be.
const maxImportDepth = 256

// checkImports looks for imports of missing files, for chains that are too long and for cycles.
func (c *compilation) checkImports() {
	walk := &importWalk{compilation: c, depth: make(map[string]int)}
	for _, name := range c.names {
		walk.visit(name)
	}
}

// importWalk visits files along their imports, depth first.
type importWalk struct {
	*compilation
	// chain holds the files on the way to the current one. depth is the length of the longest chain below each finished
	// file.
	chain []string
	depth map[string]int
}

func (w *importWalk) visit(name string) int {
	if depth, done := w.depth[name]; done {
		return depth
	}
	// A cycle leads back here before this file is finished.
	w.depth[name] = 0
	w.chain = append(w.chain, name)
	deepest := 0
	for _, one := range importsOf(w.parsed[name]) {
		deepest = max(deepest, 1+w.follow(name, one))
	}
	w.chain = w.chain[:len(w.chain)-1]
	w.depth[name] = deepest
	return deepest
}

func (w *importWalk) follow(from string, one *ast.ImportNode) int {
	target := one.Name.AsString()
	at := start(w.parsed[from].NodeInfo(one.Name))
	file, given := w.parsed[target]
	switch {
	case IsShared(target):
		return 0
	case !given:
		w.faults.add(at, "imports %.512q, which is not among the files%s", target, w.elsewhere(target))
		return 0
	case file == nil:
		return 0 // the file has faults of its own
	}
	for i, name := range w.chain {
		if name == target {
			w.faults.add(at, "imports in a circle: %s", circle(append(w.chain[i:], target)))
			return 0
		}
	}
	below := maxImportDepth
	if len(w.chain) < maxImportDepth {
		below = w.visit(target)
	}
	if below >= maxImportDepth {
		w.faults.add(at, "begins a chain of more than %d imports", maxImportDepth)
		return 0
	}
	return below
}

// elsewhere returns where an imported file was found instead: imports are paths relative to the folder that is pushed.
func (w *importWalk) elsewhere(target string) string {
	if w.faults.full() {
		return ""
	}
	for _, name := range w.names {
		if folder, ok := strings.CutSuffix(name, "/"+target); ok {
			return fmt.Sprintf("; %.512q is, so push the folder %.512q", name, folder)
		}
	}
	return ""
}

// circle formats a cycle of files, shortened in the middle.
func circle(chain []string) string {
	const shown = 8
	if len(chain) > shown {
		chain = append(append(append([]string{}, chain[:shown-2]...), "…"), chain[len(chain)-1])
	}
	return strings.Join(chain, " → ")
}

func importsOf(file *ast.FileNode) []*ast.ImportNode {
	if file == nil {
		return nil
	}
	var found []*ast.ImportNode
	for _, declaration := range file.Decls {
		if one, ok := declaration.(*ast.ImportNode); ok {
			found = append(found, one)
		}
	}
	return found
}
