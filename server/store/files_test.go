package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const entPackage = "github.com/postrider-dev/postrider/ent"

// sqlStatement matches the beginning of a statement.
var sqlStatement = regexp.MustCompile(`(?s)^\s*(select .* from|insert into|update \w+ set|delete from|with recursive) `)

// sqlCalls are the methods that run SQL.
var sqlCalls = []string{
	"Exec", "ExecContext", "Query", "QueryContext", "QueryRow", "QueryRowContext", "Prepare", "PrepareContext", "StmtContext", "BeginTx",
}

// Readers of a file should need to know only one way to access the tables.
func TestFilesUseEntOrSQL(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if use := firstSQL(file); use != "" && usesEnt(file) {
			t.Errorf("%s uses both ent and SQL: %s", name, use)
		}
	}
}

// usesEnt reports whether a file imports the generated code. The migrations in the same folder are SQL and do not count.
func usesEnt(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
		imported, _ := strconv.Unquote(spec.Path.Value)
		return imported == entPackage || strings.HasPrefix(imported, entPackage+"/") && imported != entPackage+"/migrations"
	})
}

// firstSQL returns the first SQL statement or call in a file; empty when there is none.
func firstSQL(file *ast.File) (found string) {
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && (text == "database/sql" || sqlStatement.MatchString(text)) {
				found = n.Value
			}
		case *ast.CallExpr:
			if method, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains(sqlCalls, method.Sel.Name) && len(n.Args) > 1 {
				found = method.Sel.Name
			}
		}
		return found == ""
	})
	return found
}
