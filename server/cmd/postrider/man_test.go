package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command has a page with its flags, and no line of the help is taken for a request of roff.
func TestManualPagesSayWhatTheHelpSays(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if got := runWith(t.Context(), nil, "", "man", folder); got.code != exitOK {
		t.Fatalf("exit %d, %s", got.code, got.stderr)
	}
	plain := strings.NewReplacer(`\-`, "-", `\e`, `\`, `\&`, "")
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		content, err := os.ReadFile(filepath.Join(folder, name+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		page := plain.Replace(string(content))
		for _, want := range []string{name + " - " + cmd.Short, cmd.UseLine(), cmd.Example, strings.SplitN(cmd.Long, "\n", 2)[0]} {
			if !strings.Contains(page, want) {
				t.Errorf("%s.1 lacks %q", name, want)
			}
		}
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if !strings.Contains(page, "--"+flag.Name) || !strings.Contains(page, flag.Usage[:min(len(flag.Usage), 10)]) {
				t.Errorf("%s.1 lacks --%s", name, flag.Name)
			}
		})
		for _, child := range cmd.Commands() {
			if child.IsAvailableCommand() {
				check(child)
			}
		}
	}
	check(newCommand(environment{lookup: func(string) (string, bool) { return "", false }}))
}

func TestTextIsNoRequestOfRoff(t *testing.T) {
	t.Parallel()
	const text = "--types 'a.*'\n.hidden\n'quoted'\na\\b"
	const want = "\\-\\-types 'a.*'\n\\&.hidden\n\\&'quoted'\na\\eb"
	if got := roff(text); got != want {
		t.Errorf("roff returns %q, want %q", got, want)
	}
}
