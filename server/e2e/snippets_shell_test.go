package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shellDocument is a document whose commands are run in the order in which they stand, in a folder as it tells its
// reader to have, against a server of its own.
type shellDocument struct {
	t      *testing.T
	server *server
	folder string
	// broker is the address of a NATS server, for the document about it.
	broker string
	// variables are the assignments so far, which later commands see.
	variables []string
}

// order is what the documents publish and ask for: every filter in them selects the second one.
const (
	cheapOrder = `{"event":{"type":"order.created","data":{"orderId":"42","total":5}}}`
	dearOrder  = `{"event":{"type":"order.created","subject":"eu-1","data":{"orderId":"43","total":1999}}}`
)

func TestShellSnippetsRun(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("SKIPPED, LOUDLY: the snippets call curl, and there is none")
	}
	for _, document := range documents(t) {
		all := snippets(t, document, "sh", "")
		if len(all) == 0 {
			continue
		}
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			d := newShellDocument(t, document)
			for i, one := range all {
				var prints string
				if i+1 < len(all) && all[i+1].output {
					prints = all[i+1].text
				}
				if !one.output {
					d.run(one, prints)
				}
			}
		})
	}
}

// The program of docs/websockets.md publishes and gets what it has published.
func TestTheSocketSnippetRuns(t *testing.T) {
	t.Parallel()
	const document = "docs/websockets.md"
	d := newShellDocument(t, document)
	program := snippets(t, document, "js")[0]
	write(t, filepath.Join(d.folder, "socket.mjs"), strings.ReplaceAll(program.text, "127.0.0.1:8080", d.server.address))
	d.command(program, "node --experimental-websocket socket.mjs", []string{"stored evt_", "orders order.created"})
}

func newShellDocument(t *testing.T, document string) *shellDocument {
	t.Helper()
	d := &shellDocument{t: t, server: newServer(t), folder: t.TempDir()}
	if document == "docs/event-types.md" {
		d.server.flags = []string{"--schemas", ""} // Its types are those that it registers.
	}
	if document == "docs/nats.md" {
		d.broker = newBroker(t)
		d.server.flags = []string{"--nats-servers", d.broker}
	}
	d.server.mustStart("POSTRIDER_ADMIN_KEY=")
	d.provide("bin", fromTop(t, "bin"))
	write(t, filepath.Join(d.folder, ".curlrc"), "silent\nshow-error\nfail-with-body\n")
	d.provide("data", d.server.data)
	d.provideSchemas(document)
	d.publish()
	return d
}

// provideSchemas makes the folder proto, for docs/event-types.md with what stands there and little else.
func (d *shellDocument) provideSchemas(document string) {
	d.t.Helper()
	input := fromTop(d.t, "server/e2e/testdata/snippets/"+strings.TrimSuffix(filepath.Base(document), ".md"))
	if _, err := os.Stat(input); err != nil {
		d.provide("proto", fromTop(d.t, "proto"))
		return
	}
	d.copy(input, ".")
	d.copy(fromTop(d.t, "third_party/proto/buf"), "proto/buf")
	copyFile(d.t, fromTop(d.t, "proto/postrider/v1/option.proto"), filepath.Join(d.folder, "proto/postrider/v1/option.proto"))
	writeSchemas(d.t, document, filepath.Join(d.folder, "proto"))
}

func (d *shellDocument) provide(name, path string) {
	d.t.Helper()
	if err := os.Symlink(path, filepath.Join(d.folder, name)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *shellDocument) copy(from, to string) {
	d.t.Helper()
	if err := os.CopyFS(filepath.Join(d.folder, to), os.DirFS(from)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *shellDocument) publish() {
	d.t.Helper()
	key, err := os.ReadFile(filepath.Join(d.server.data, "admin-key"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, body := range []string{cheapOrder, dearOrder} {
		request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost,
			d.server.url()+"/postrider.v1.EventService/Publish", strings.NewReader(body))
		if err != nil {
			d.t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			d.t.Fatal(err)
		}
		if _ = response.Body.Close(); response.StatusCode != http.StatusOK {
			d.t.Fatalf("publish: %s", response.Status)
		}
	}
}

var (
	assignment = regexp.MustCompile(`^(export )?[A-Z_]+=`)
	// goesOn are commands that follow the log: they run until they have shown what they should.
	goesOn = regexp.MustCompile(`curl -N |postrider tail |socket.mjs`)
	// shown are the parts of a sample of output that are the same each time: keys of JSON, and fields of messages.
	shown = regexp.MustCompile(`"[a-zA-Z_]+":|(?m)^(?:event: [a-z]+|retry: |id: |: .+)`)
)

// run runs the commands of a snippet. Comments after a command are what it prints, as is the block prints.
func (d *shellDocument) run(one snippet, prints string) {
	d.t.Helper()
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(one.text), "\\\n", "\\\x00"), "\n")
	for i := 0; i < len(lines); i++ {
		command := strings.ReplaceAll(lines[i], "\x00", "\n")
		var sample string
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "#") {
			i++
			sample += lines[i] + "\n"
		}
		if i == len(lines)-1 {
			sample += prints
		}
		if assignment.MatchString(command) {
			d.variables = append(d.variables, command)
			continue
		}
		wanted := shown.FindAllString(sample, -1)
		if goesOn.MatchString(command) {
			wanted = append(wanted, "order.created")
		}
		d.command(one, command, wanted)
	}
}

// command runs one command, and ends one that follows the log and has shown what is wanted.
func (d *shellDocument) command(one snippet, command string, wanted []string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	var output tailBuffer
	cmd := exec.CommandContext(ctx, "bash", "-c", d.script(command))
	cmd.Dir, cmd.Env = d.folder, d.environment()
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	lacks := func() []string {
		return slices.DeleteFunc(slices.Clone(wanted), func(text string) bool { return strings.Contains(output.String(), text) })
	}
	if goesOn.MatchString(command) {
		for len(lacks()) > 0 && len(ended) == 0 && ctx.Err() == nil {
			d.publish()
			pause(ctx, 10*pollEvery)
		}
		cancel()
		<-ended
	} else if err := <-ended; err != nil {
		d.t.Errorf("%v: %s: %v\n%s", one, command, err, output.String())
	}
	if missing := lacks(); len(missing) > 0 {
		d.t.Errorf("%v: %s: it does not show %q, but\n%s", one, command, missing, output.String())
	}
}

// script is what bash runs: what was assigned before, and the command, with addresses that exist here.
func (d *shellDocument) script(command string) string {
	command = strings.NewReplacer(
		"http://127.0.0.1:8080", d.server.url(),
		"https://example.com/", d.server.url()+"/",
		"127.0.0.1:4222", d.broker,
	).Replace(command)
	if goesOn.MatchString(command) {
		command = "exec " + command
	}
	return fmt.Sprintf("set -euo pipefail\n%s\n%s", strings.Join(d.variables, "\n"), command)
}

func (d *shellDocument) environment() []string {
	environment := append(os.Environ(),
		"PATH="+filepath.Join(d.folder, "bin")+":"+fromTop(d.t, "node_modules/.bin")+":"+os.Getenv("PATH"),
		"HOME="+d.folder, "CURL_HOME="+d.folder,
		"POSTRIDER_URL="+d.server.url())
	key, err := os.ReadFile(filepath.Join(d.server.data, "admin-key"))
	if err != nil {
		d.t.Fatal(err)
	}
	return append(environment, "POSTRIDER_API_KEY="+string(bytes.TrimSpace(key)))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
