package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// completions are what a reader has around a snippet that is not a whole file: what comes before it, on one line so that
// lines are counted as in the document, and what comes after it.
var completions = []struct{ document, begins, before, after string }{
	{
		document: "README.md", begins: "webhook.On(",
		before: `package shop; import ("context"; shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"; "github.com/postrider-dev/postrider/client/webhook"); ` +
			`func receive(handler *webhook.Handler) {`,
		after: "}\n",
	},
	{document: "docs/live-streams.md", begins: "const source", before: page},
	{document: "docs/live-streams.md", begins: "await fetch", before: page},
	{document: "docs/live-streams.md", begins: "const client", before: `import { createClient } from "@postrider/client/light"; ` + page},
	{
		document: "docs/recipes.md", begins: `import { webhookHandler }`,
		before: `import type { IncomingMessage, ServerResponse } from "node:http"; ` +
			`declare const app: { post(path: string, handler: (request: IncomingMessage, response: ServerResponse) => unknown): void };`,
	},
	{
		document: "web/client/README.md", begins: "const events = client.subscribe([OrderPaidSchema]",
		before: `import type { Client } from "@postrider/client"; import { OrderPaidSchema } from "./gen/shop/v1/order_pb.js"; declare const client: Client; ` +
			`declare const retryButton: HTMLElement, leaveButton: HTMLElement; ` +
			`declare function showStatus(state: string, message?: string, retryAt?: Date): void;`,
	},
	{document: "web/client/README.md", begins: "const client = createClient({\n  url: \"https://events", before: `import { createClient } from "@postrider/client";`},
	{
		document: "web/client/README.md", begins: "const { events, status, retryNow }",
		before: `import { createClient } from "@postrider/client/light"; import { useSubscription } from "@postrider/client/react"; ` +
			`declare const client: ReturnType<typeof createClient>;`,
	},
	{
		document: "web/client/README.md", begins: "const { data, live } = useLiveQuery(\n  EventService",
		before: `import type { Client } from "@postrider/client"; import { useLiveQuery } from "@postrider/client/react-query"; ` +
			`import { OrderPaidSchema } from "./gen/shop/v1/order_pb.js"; import { EventService, type ListEventsResponse } from "#gen/postrider/v1/event_pb"; ` +
			`declare const client: Client; declare function withEvent(answer: ListEventsResponse, event: unknown): ListEventsResponse;`,
	},
	{
		document: "web/client/README.md", begins: "const { data, live } = useLiveQuery(\n  DeliveryService",
		before: `import type { Client } from "@connectrpc/connect"; import { useLiveQuery } from "@postrider/client/react-query"; ` +
			`import { DeliveryService } from "#gen/postrider/v1/delivery_pb"; ` +
			`declare const deliveries: Client<typeof DeliveryService>; declare const subscription: string;`,
	},
	{
		document: "web/client/README.md", begins: "const { value, snapshots",
		before: `import type { Client } from "@connectrpc/connect"; import { useWatch } from "@postrider/client/react-query"; ` +
			`import type { LiveStream, StreamService, WatchStreamsResponse } from "#gen/postrider/v1/stream_pb"; declare const streams: Client<typeof StreamService>; ` +
			`declare function withMessage(open: Map<string, LiveStream>, message: WatchStreamsResponse): Map<string, LiveStream>;`,
	},
}

// service is what the snippets of the Go client's page have around them.
const (
	service = `package main; import ("context"; "errors"; "log"; "net/http"; "os"; "time"; "connectrpc.com/connect"; ` +
		`"github.com/postrider-dev/postrider/client"; "github.com/postrider-dev/postrider/client/webhook"; ` +
		`postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"; ` +
		`targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"; ` +
		`shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"); ` +
		`var _ = []any{errors.New, log.Print, http.Handle, os.Getenv, time.Second, connect.CodeOf, webhook.NewHandler, (*postriderv1.Event)(nil), (*targetv1.Webhook)(nil)}; ` +
		`func bookPayment(context.Context, *shopv1.OrderPaid) error { return nil }; func loadCursor() string { return "" }; func saveCursor(string) {}; ` +
		`func currentKey(context.Context) (string, error) { return "", nil }; ` +
		`func main() { ctx := context.Background(); c := client.New(""); order := &shopv1.OrderPaid{}; orders := []*shopv1.OrderPaid{order}; _, _, _, _ = ctx, c, order, orders; { `
	serviceEnd = "}}\n"
)

// page is what the scripts of a page get from the rest of it.
const page = `let ticket, fresh, stream, show, reload, showState;`

// whole returns a snippet with what is around it.
func (s snippet) whole() string {
	for _, one := range completions {
		if one.document == s.document && strings.HasPrefix(s.text, one.begins) {
			return one.before + "\n" + s.text + one.after
		}
	}
	if s.document == "client/README.md" && s.language == "go" {
		return service + "\n" + s.text + serviceEnd
	}
	return "\n" + s.text
}

func TestGoSnippetsCompile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	overlay := map[string]string{}
	var packages []string
	for _, document := range documents(t) {
		for _, one := range snippets(t, document, "go") {
			name := fmt.Sprintf("snippet%d", len(packages))
			text := strings.ReplaceAll(one.whole(), "…", "return nil")
			write(t, filepath.Join(folder, name+".go"), fmt.Sprintf("//line %s:%d\n%s", one.document, one.line-1, text))
			overlay[fromTop(t, "examples/"+name+"/main.go")] = filepath.Join(folder, name+".go")
			packages = append(packages, "./examples/"+name)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "overlay.json"), string(list))
	// Nothing is linked: what is built of several packages is thrown away.
	succeeds(t, fromTop(t, "."), "go", append([]string{"build", "-overlay", filepath.Join(folder, "overlay.json")}, packages...)...)
}

// Scripts are checked with the types that TypeScript finds in them.
func TestTypeScriptSnippetsCompile(t *testing.T) {
	t.Parallel()
	folder := newTypeScript(t)
	for _, document := range documents(t) {
		for _, one := range snippets(t, document, "ts", "tsx", "js") {
			name := fmt.Sprintf("%s.%d.%s", strings.ReplaceAll(one.document, "/", "_"), one.line, one.language)
			write(t, filepath.Join(folder, name), strings.Repeat("\n", one.line-2)+one.whole())
		}
	}
	if err := os.Symlink(fromTop(t, "web/client/examples/gen"), filepath.Join(folder, "gen")); err != nil {
		t.Fatal(err)
	}
	succeeds(t, folder, compiler(t), "-p", "tsconfig.json")
	succeeds(t, folder, compiler(t), "-p", "scripts.json")
}

// The client's buf.gen.yaml makes code that compiles, for those with rules in their messages and those without.
func TestTheSnippetOfBufGenGenerates(t *testing.T) {
	t.Parallel()
	const document = "web/client/README.md"
	found := snippets(t, document, "yaml")
	if len(found) != 1 {
		t.Fatalf("%s has %d snippets in YAML, not one", document, len(found))
	}
	const leaveOut = "exclude_types: [buf.validate.field, buf.validate.message, buf.validate.oneof]"
	readme, err := os.ReadFile(fromTop(t, document))
	if err != nil || !strings.Contains(string(readme), "`"+leaveOut+"`") {
		t.Errorf("%s does not say %s (%v)", document, leaveOut, err)
	}
	for name, tt := range map[string]struct{ imports, rule, line string }{
		"without rules":        {`import "google/protobuf/timestamp.proto";`, "", ""},
		"with rules, left out": {`import "buf/validate/validate.proto";`, "[(buf.validate.field).string.min_len = 1]", "    " + leaveOut + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := newTypeScript(t)
			copyFile(t, fromTop(t, "proto/postrider/v1/option.proto"), filepath.Join(folder, "proto/postrider/v1/option.proto"))
			if tt.rule != "" {
				copyFile(t, fromTop(t, "third_party/proto/buf/validate/validate.proto"), filepath.Join(folder, "proto/buf/validate/validate.proto"))
			}
			write(t, filepath.Join(folder, "proto/shop/v1/order.proto"), fmt.Sprintf(`syntax = "proto3"; package shop.v1;
import "postrider/v1/option.proto"; %s
message Order { option (postrider.v1.event) = {}; string order_id = 1 %s; }
`, tt.imports, tt.rule))
			write(t, filepath.Join(folder, "buf.yaml"), "version: v2\nmodules:\n  - path: proto\n")
			write(t, filepath.Join(folder, "buf.gen.yaml"), found[0].text+tt.line)
			succeeds(t, folder, "buf", "generate", "--path", "proto/shop")
			write(t, filepath.Join(folder, "page.ts"), `import { create } from "@bufbuild/protobuf"; import { OrderSchema } from "./src/gen/shop/v1/order_pb.js"; create(OrderSchema, { orderId: "42" });`)
			succeeds(t, folder, compiler(t), "-p", "tsconfig.json")
		})
	}
}

// Schemas in documents are read by buf as by the server.
func TestProtoSnippetsCompile(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		if len(snippets(t, document, "proto")) == 0 {
			continue
		}
		folder := t.TempDir()
		writeSchemas(t, document, folder)
		copyFile(t, fromTop(t, "proto/postrider/v1/option.proto"), filepath.Join(folder, "postrider/v1/option.proto"))
		copyFile(t, fromTop(t, "third_party/proto/buf/validate/validate.proto"), filepath.Join(folder, "buf/validate/validate.proto"))
		succeeds(t, folder, "buf", "build")
	}
}

// writeSchemas writes the schemas of a document as files of the shop.
func writeSchemas(t *testing.T, document, folder string) {
	t.Helper()
	for _, one := range snippets(t, document, "proto") {
		write(t, filepath.Join(folder, fmt.Sprintf("shop/v1/line%d.proto", one.line)), one.whole())
	}
}

// newTypeScript makes a folder in which TypeScript finds the packages of the workspace, as npm would have put them there.
func newTypeScript(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Symlink(fromTop(t, "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	options := map[string]any{
		"noEmit": true, "strict": true, "target": "ES2022", "lib": []string{"ES2022", "DOM", "DOM.Iterable", "DOM.AsyncIterable"},
		"module": "ESNext", "moduleResolution": "bundler", "moduleDetection": "force", "jsx": "react-jsx", "types": []string{"node"},
		"skipLibCheck": true, "paths": map[string][]string{"#gen/*": {fromTop(t, "gen/es") + "/*.ts"}},
	}
	project := func(name string, include ...string) {
		content, err := json.Marshal(map[string]any{"compilerOptions": options, "include": include})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, name), string(content))
	}
	project("tsconfig.json", "*.ts", "*.tsx")
	options["allowJs"], options["checkJs"], options["noImplicitAny"] = true, true, false
	project("scripts.json", "*.js")
	return folder
}

func compiler(t *testing.T) string { return fromTop(t, "node_modules/.bin/tsc") }

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// succeeds runs a tool in a folder, with those of the workspace at hand.
func succeeds(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "env", append([]string{name}, args...)...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PATH="+fromTop(t, "node_modules/.bin")+":"+os.Getenv("PATH"))
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
}
