package server_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server"
)

var writeDocument = flag.Bool("write-document", false, "write docs/configuration.md")

const configurationHead = `# Configuration

Every setting of ` + "`postrider serve`" + `. A flag takes precedence over its variable. Secrets have no flag, because a process list shows
flags. A setting that is wrong keeps the server from starting, with an error that names it; all faults are reported at once.

| flag | variable | default | |
|---|---|---|---|
`

const configurationTail = `
In a list, values are separated by commas. Sizes of what the server keeps and accepts, which no setting changes, are in [limits](limits.md).

Client commands read ` + "`POSTRIDER_URL`, `POSTRIDER_API_KEY` and `POSTRIDER_WEBHOOK_SECRET`; see `postrider help`" + `.

<!-- Written by TestConfigurationIsDocumented: go test ./server -run TestConfigurationIsDocumented -write-document -->
`

// docs/configuration.md is made of the settings.
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	const path = "../docs/configuration.md"
	var want strings.Builder
	want.WriteString(configurationHead)
	for _, setting := range server.Settings() {
		fmt.Fprintf(&want, "| %s | `%s` | %s | %s |\n", code(setting.Flag, "--"+setting.Flag+" "+setting.Placeholder), setting.Env,
			code(setting.Default(), setting.Default()), strings.NewReplacer("<", `\<`, "|", `\|`).Replace(setting.Usage))
	}
	want.WriteString(configurationTail)
	if *writeDocument {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want.String() {
		t.Errorf("%s is not what the settings are (%v); write it with -write-document", path, err)
	}
}

// code shows a text as code if there is something to show.
func code(given, text string) string {
	if given == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}
