package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// changes are what somebody may do to a field that every part uses: the total of an order.
var changes = []struct {
	name  string
	edits []string // old and new, in turn
	// inGo and inTypeScript are in what the compilers say, refusal is in what the registry says.
	inGo, inTypeScript, refusal string
}{
	{
		name: "rename",
		edits: []string{
			"Money total = 5", "Money amount_due = 5",
			"this.total.currency", "this.amount_due.currency",
		},
		inGo: "Total", inTypeScript: "total",
		refusal: `shop.v1.OrderCreated.amount_due: field 5 was "total" in JSON and is "amountDue" now (FIELD_JSON_NAME)`,
	},
	{
		name: "retype",
		edits: []string{
			"Money total = 5 [(buf.validate.field).required = true];", "string total = 5;",
			"line.unit_price.currency == this.total.currency", "this.total.endsWith(line.unit_price.currency)",
		},
		inGo: "Total", inTypeScript: "Money",
		refusal: `(FIELD_RETYPED)`,
	},
	{
		name: "remove",
		edits: []string{
			"Money total = 5 [(buf.validate.field).required = true];", "",
			"this.total.currency", "this.lines[0].unit_price.currency",
		},
		inGo: "Total", inTypeScript: "total",
		refusal: `shop.v1.OrderCreated.total: the field is gone`,
	},
}

// TestAChangedFieldIsNoticedEverywhere changes the shop's messages in a copy of the repository. No part compiles
// then, in whichever language, and the registry refuses the change and names the subscription it would break.
func TestAChangedFieldIsNoticedEverywhere(t *testing.T) {
	t.Parallel()
	tree := newTree(t)
	for _, part := range []string{"producer", "consumer"} {
		if text, err := tree.compileGo(part); err != nil {
			t.Fatalf("the %s does not compile as it is: %v\n%s", part, err, text)
		}
	}
	if text, err := tree.compileTypeScript(); err != nil {
		t.Fatalf("the receiver and the page do not compile as they are: %v\n%s", err, text)
	}
	registry := newRegistry(t)
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			tree.edit(t, change.edits)
			registry.refuses(t, tree, change.refusal)
			tree.generate(t)
			for _, part := range []string{"producer", "consumer"} {
				text, err := tree.compileGo(part)
				failsIn(t, "examples/shop/"+part+"/main.go", change.inGo, text, err)
			}
			text, err := tree.compileTypeScript()
			for _, part := range []string{"receiver", "page"} {
				failsIn(t, "examples/shop/"+part+"/main.ts", change.inTypeScript, text, err)
			}
		})
	}
}

// failsIn wants a compiler to have failed in a file because of something.
func failsIn(t *testing.T, file, because, text string, err error) {
	t.Helper()
	t.Helper()
	fault := lineWith(text, file, because)
	if err == nil || fault == "" {
		t.Errorf("%s: %v, want a fault with %s\n%s", file, err, because, text)
	}
	t.Log(fault)
}

// lineWith answers the first line that has all of some texts in it.
func lineWith(lines string, texts ...string) string {
	for line := range strings.Lines(lines) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// tree is a copy of what the shop's parts are made of.
type tree struct{ top string }

func newTree(t *testing.T) *tree {
	t.Helper()
	tr := &tree{top: t.TempDir()}
	for _, name := range []string{
		"go.mod", "go.sum", "package.json", "buf.yaml", "buf.gen.yaml", "tools/go.mod", "tools/go.sum",
		"examples/tsconfig.json",
	} {
		content, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(tr.top, name), content)
	}
	for _, folder := range []string{
		"proto", "third_party", "gen", "client",
		"examples/shop/producer", "examples/shop/consumer", "examples/shop/receiver", "examples/shop/page",
	} {
		if err := os.CopyFS(filepath.Join(tr.top, folder), os.DirFS(filepath.Join("../..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	money, err := os.ReadFile("money.ts")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(tr.top, "examples/shop/money.ts"), money)
	modules, err := filepath.Abs("../../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(tr.top, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return tr
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit changes the order's messages, as they are in the repository, in the copy.
func (tr *tree) edit(t *testing.T, edits []string) {
	t.Helper()
	const orders = "proto/shop/v1/order.proto"
	original, err := os.ReadFile(filepath.Join("../..", orders))
	if err != nil {
		t.Fatal(err)
	}
	text := string(original)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("%s has no %q", orders, edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	write(t, filepath.Join(tr.top, orders), []byte(text))
}

// generate does what `make gen` does for the messages.
func (tr *tree) generate(t *testing.T) {
	t.Helper()
	if text, err := tr.run("buf", "generate"); err != nil {
		t.Fatalf("buf generate: %v\n%s", err, text)
	}
}

func (tr *tree) compileGo(part string) (string, error) {
	return tr.run("go", "build", "-buildvcs=false", "-o", os.DevNull, "./examples/shop/"+part)
}

func (tr *tree) compileTypeScript() (string, error) {
	return tr.run("tsc", "-p", "examples", "--pretty", "false")
}

// run runs a program of the repository at the top of the copy.
func (tr *tree) run(program string, arguments ...string) (string, error) {
	bin := filepath.Join(tr.top, "node_modules/.bin")
	if own := filepath.Join(bin, program); program != "go" {
		program = own
	}
	cmd := exec.Command(program, arguments...)
	cmd.Dir = tr.top
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// registry is a server that knows the shop's messages as they are, and a subscription that reads the total.
type registry struct{ access []string }

const subscription = "big-orders"

func newRegistry(t *testing.T) *registry {
	t.Helper()
	const key = "the-admin-key-of-these-tests"
	server := startProgram(t, "../..", []string{"POSTRIDER_ADMIN_KEY=" + key},
		"bin/postrider", "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--log-level", "warn",
		"--allow-targets", "127.0.0.0/8")
	url := server.await(t, `Web UI and API\s+(\S+)`)
	r := &registry{access: []string{"POSTRIDER_URL=" + url, "POSTRIDER_API_KEY=" + key}}
	if text, code := r.postrider(t, "types", "push", "../../proto"); code != 0 {
		t.Fatalf("types push: code %d\n%s", code, text)
	}
	if text, code := r.postrider(t, "subscriptions", "create", subscription, "--types", "shop.v1.OrderCreated",
		"--expression", "event.data.total.minor_units > 100000", "--url", "http://127.0.0.1:9/"); code != 0 {
		t.Fatalf("subscriptions create: code %d\n%s", code, text)
	}
	return r
}

// refuses checks a change as CI would, and looks for its place, its cause and whom it would hit.
func (r *registry) refuses(t *testing.T, tr *tree, cause string) {
	t.Helper()
	text, code := r.postrider(t, "types", "check", filepath.Join(tr.top, "proto"))
	if code != 3 {
		t.Errorf("types check: code %d, want 3", code)
	}
	for _, wanted := range [][]string{{"breaking: shop/v1/order.proto:", cause}, {`"` + subscription + `"`, "(FILTER)"}} {
		fault := lineWith(text, wanted...)
		if fault == "" {
			t.Errorf("types check does not say %q:\n%s", wanted, text)
		}
		t.Log(fault)
	}
}

// postrider runs the command line and answers what it says and its exit code.
func (r *registry) postrider(t *testing.T, arguments ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("../../bin/postrider", arguments...)
	cmd.Env = append(os.Environ(), r.access...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
