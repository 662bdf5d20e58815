package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/postrider-dev/postrider/"

// layers says which packages under server/ each package under server/ may import, besides what lies in its own
// folder's row. A key is a path below server/; "x/*" stands for every folder directly under x without a row of its own.
// Events flow in one direction. A package that is not listed here has no place in that flow yet.
var layers = map[string][]string{
	"gateway": {},

	"meter":           {},
	"meter/metertest": {},
	"redact":          {},
	"egress":          {"gateway"},
	"telemetry":       {"gateway"},

	"seal":              {},
	"store":             {"gateway", "seal", "telemetry"},
	"store/storetest":   {"gateway", "store"},
	"schema/compile":    {"gateway", "meter"},
	"schema/codec":      {"gateway", "meter", "schema/compile"},
	"schema/describe":   {"gateway", "schema/codec", "schema/compile"},
	"schema":            {"gateway", "schema/codec", "schema/compile", "schema/describe"},
	"schema/compat":     {"gateway", "schema", "schema/codec", "schema/compile", "schema/describe"},
	"schema/schematest": {"gateway", "schema", "schema/compile"},
	"filter":            {"gateway", "schema", "meter"},
	"match":             {"gateway", "filter"},

	// A target is told to send one event and says what came back. It knows of no subscription and of no other target.
	"target":            {"gateway"},
	"target/*":          {"gateway", "target", "redact", "egress", "telemetry"},
	"target/targettest": {"gateway", "target"},

	"tail": {"gateway", "store", "schema", "telemetry"},

	// The engines know no transport and not each other.
	"publish":  {"gateway", "store", "schema", "schema/codec", "tail", "telemetry"},
	"register": {"gateway", "store", "schema", "schema/compat", "schema/compile", "filter"},
	"deliver":  {"gateway", "store", "schema", "filter", "match", "tail", "target", "telemetry"},
	"stream":   {"gateway", "store", "schema", "filter", "match", "tail", "telemetry"},
	"stats":    {"gateway", "store"},

	"wire": {"gateway", "redact", "schema", "schema/codec", "schema/compat", "schema/compile", "schema/describe"},
	// Bounds of what callers may cost. The transports charge what they read.
	"limit": {"gateway"},
	// Who calls, and what they may do.
	"access": {"gateway", "seal", "store", "limit"},
	// The streams that are open.
	"live": {"gateway", "access", "limit", "stream"},

	// The transports. Those for streams know the hub and not each other; WebSockets carry publishes, too. The services hand a
	// subscription to the one over RPC.
	"rpc":              {"gateway", "store", "schema", "schema/compat", "schema/compile", "filter", "access", "live", "target", "tail", "publish", "register", "deliver", "stream", "stream/rpcstream", "stats", "wire", "limit", "telemetry"},
	"jsonschema":       {"gateway", "store", "schema", "access", "publish", "wire", "limit"},
	"stream/*":         {"gateway", "access", "live", "stream", "wire", "telemetry"},
	"stream/websocket": {"gateway", "access", "live", "publish", "stream", "wire", "limit"},
	// The suite of the transports for streams, and the world that their tests stand on.
	"stream/streamtest": {"gateway", "seal", "store", "schema", "filter", "tail", "access", "live", "stream", "wire", "limit"},
	// EventService on gRPC-Go, for tests.
	"grpctest":   {},
	"httpserver": {"gateway", "wire", "limit", "telemetry"},
	// What the edges call. It reaches the services through their handlers alone.
	"contract": {"wire", "limit", "telemetry"},

	// Where the parts meet, and the commands that start it.
	".":     {"*"},
	"cmd/*": {".", "gateway", "schema/compile", "egress", "target", "target/webhook", "wire"},
	"e2e":   {},
	// The Go client's tests against a whole server, which the client's own module does not require.
	"clienttest": {"."},
}

// owners says who alone may import a package, apart from tests. Prefixes, on both sides.
var owners = []struct {
	imported, why string
	by            []string
}{
	{
		imported: module + "ent", why: "only the store knows the tables",
		by: []string{"server/store", "ent"},
	},
	{
		imported: "database/sql", why: "only the store speaks SQL, and the benchmark that measures it against bare SQL",
		by: []string{"server/store", "ent", "bench"},
	},
	{
		// server/schema/compile reads the option that marks event types: it is part of users' schemas, not of the API.
		// server/access reads the option that says who may call a method, and confines a ticket's requests; server/live keeps
		// what those asked for.
		imported: module + "client/gen", why: "the domain and the engines know no wire format; server/wire is the one mapping",
		by: []string{
			"server/schema/compile", "server/access", "server/live",
			"server/wire", "server/rpc", "server/stream/", "server/target/", "server/contract", "server/grpctest", "server/cmd/", "server/e2e",
			"client", "bench", "examples", "gen",
		},
	},
	{
		imported: module + "client/signature", why: "only targets and those who show, make or check secrets sign",
		by: []string{"server/rpc", "server/target/", "server/cmd/", "server/e2e", "client", "examples"},
	},
	{
		imported: "connectrpc.com/", why: "only the outside of the server speaks Connect",
		by: []string{
			"server/wire", "server/rpc", "server/stream/", "server/httpserver", "server/contract", "server/cmd/", "server/e2e",
			"client", "bench", "examples", "gen",
		},
	},
}

// barred lists what a package must do without, whoever else may have it. Prefixes of import paths.
var barred = map[string][]string{
	"server/gateway":        {"net/http", "database/", "os", "google.golang.org/", "connectrpc.com/"},
	"server/schema":         {"net/http"},
	"server/schema/compile": {"net/http"},
	"server/schema/codec":   {"net/http"},
	"server/filter":         {"net/http"},
	"server/store":          {"net/http"},
	"server/tail":           {"net/http"},
	"server/publish":        {"net/http"},
	"server/stream":         {"net/http"},
}

// bannedNames are names that say nothing of what a package does.
var bannedNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "models"}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file.path, "_test.go") {
			continue
		}
		dir := path.Dir(file.path)
		for _, imported := range file.imports {
			if fault := importFault(dir, imported); fault != "" {
				t.Errorf("%s imports %s: %s", file.path, imported, fault)
			}
		}
	}
}

func TestEveryPackageHasItsPlace(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if slices.Contains(bannedNames, file.pkg) || slices.Contains(bannedNames, path.Base(path.Dir(file.path))) {
			t.Errorf("%s: name a package for what it does, not %q", file.path, file.pkg)
		}
		if name, ok := underServer(path.Dir(file.path)); ok && row(name) == nil {
			t.Errorf("%s: server/%s is not listed in imports_test.go; say there what it may import", file.path, name)
		}
	}
}

func TestImportFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, dir, imported string
		fault               bool
	}{
		{"engine on store", "server/publish", module + "server/store", false},
		{"store on engine", "server/store", module + "server/publish", true},
		{"engine on engine", "server/deliver", module + "server/publish", true},
		{"engine on transport", "server/stream", module + "server/stream/rpcstream", true},
		{"transport on its hub", "server/stream/rpcstream", module + "server/stream", false},
		{"transport on transport", "server/stream/rpcstream", module + "server/stream/sse", true},
		{"domain on anything of ours", "server/gateway", module + "client/signature", true},
		{"domain on HTTP", "server/gateway", "net/http", true},
		{"domain on HTTP below", "server/gateway", "net/http/httptrace", true},
		{"domain on the generated code", "server/gateway", module + "client/gen/postrider/v1", true},
		{"domain on pure parts of net", "server/gateway", "net/url", false},
		{"hub on HTTP", "server/stream", "net/http", true},
		{"stream transport on HTTP", "server/stream/sse", "net/http", false},
		{"target on the store", "server/target/webhook", module + "server/store", true},
		{"target on target", "server/target/webhook", module + "server/target/queue", true},
		{"target on its configuration", "server/target/webhook", module + "client/gen/postrider/target/v1", false},
		{"registry of targets on a configuration", "server/target", module + "client/gen/postrider/target/v1", true},
		{"store on ent", "server/store", module + "ent/event", false},
		{"rpc on ent", "server/rpc", module + "ent", true},
		{"rpc on SQL", "server/rpc", "database/sql", true},
		{"wire on the generated code", "server/wire", module + "client/gen/postrider/v1", false},
		{"engine on the generated code", "server/deliver", module + "client/gen/postrider/v1", true},
		{"client on the server", "client", module + "server/gateway", true},
		{"server on all", "server", module + "server/httpserver", false},
		{"server on the web UI", "server", module + "web", false},
		{"command on the server", "server/cmd/postrider", module + "server", false},
		{"command past the server", "server/cmd/postrider", module + "server/store", true},
		{"a part of a package on the whole", "server/store/sqlite", module + "server/gateway", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if fault := importFault(test.dir, test.imported); (fault != "") != test.fault {
				t.Errorf("importFault(%q, %q) = %q, want a fault: %t", test.dir, test.imported, fault, test.fault)
			}
		})
	}
}

// importFault says what is wrong with a package in dir importing imported, or nothing.
func importFault(dir, imported string) string {
	for _, prefix := range barred[dir] {
		if within(imported, prefix) {
			return "server/" + strings.TrimPrefix(dir, "server/") + " does without it"
		}
	}
	for _, owner := range owners {
		if within(imported, owner.imported) && !slices.ContainsFunc(owner.by, func(by string) bool { return within(dir, by) }) {
			return owner.why
		}
	}
	target, ok := underServer(strings.TrimPrefix(imported, module))
	if !ok {
		return ""
	}
	return layerFault(dir, target)
}

// layerFault judges an import of server/<target> by a package in dir.
func layerFault(dir, target string) string {
	importer, ok := underServer(dir)
	if !ok {
		return publicFault(dir, target)
	}
	allowed := row(importer)
	inside := strings.HasPrefix(target, importer+"/") && layers[parentPattern(target)] == nil
	if inside || slices.Contains(allowed, "*") || slices.Contains(allowed, target) {
		return ""
	}
	return "server/" + importer + " may import only " + strings.Join(allowed, ", ")
}

// publicFault judges an import of server/<target> from outside server/: what users build on must not pull it in.
func publicFault(dir, target string) string {
	if within(dir, "client") {
		return "the client builds on the contract, not on the server"
	}
	return ""
}

// row returns what the package server/<name> may import: its own row, that of its siblings, or that of the package it
// is a part of. It is nil for a package without any.
func row(name string) []string {
	for _, key := range []string{name, parentPattern(name), path.Dir(name)} {
		if allowed, ok := layers[key]; ok && (key != "." || name == ".") {
			return allowed
		}
	}
	return nil
}

func parentPattern(name string) string { return path.Join(path.Dir(name), "*") }

// underServer returns the path below server/ of a path below the module, "." for server itself.
func underServer(dir string) (string, bool) {
	if dir == "server" {
		return ".", true
	}
	return strings.CutPrefix(dir, "server/")
}

// within reports whether name is prefix or lies under it. A prefix that ends in "/" has only what lies under it.
func within(name, prefix string) bool {
	return name == prefix || strings.HasPrefix(name, strings.TrimSuffix(prefix, "/")+"/")
}

type goFile struct {
	path    string // below the module, with slashes
	pkg     string
	imports []string
}

// goFiles parses the head of every hand-written Go file of the module.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	for _, root := range []string{"server", "client", "bench", "examples", "web"} {
		files = append(files, goFilesUnder(t, root)...)
	}
	return files
}

func goFilesUnder(t *testing.T, root string) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(filepath.Join("..", root), func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && entry == nil:
			return nil // the folder does not exist yet
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"node_modules", "dist", "testdata"}, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files = append(files, goFile{path: fromTop(name), pkg: file.Name.Name, imports: importPaths(file)})
		return nil
	})
	if err != nil {
		t.Fatalf("read the Go files of %s: %v", root, err)
	}
	return files
}

func fromTop(name string) string {
	return strings.TrimPrefix(filepath.ToSlash(name), "../")
}

func importPaths(file *ast.File) []string {
	var paths []string
	for _, spec := range file.Imports {
		if unquoted, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, unquoted)
		}
	}
	return paths
}
