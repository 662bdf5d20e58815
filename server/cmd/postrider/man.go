package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postrider-dev/postrider/server"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual page of every command to a folder",
		Long: `Write the manual page of every command to a folder, which must exist: postrider.1, postrider-publish.1 and so on. They say what --help
says. Packages of Postrider contain them.`,
		Example: `  postrider man ~/.local/share/man/man1`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return wrongUsage("give one folder")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return writeManual(cmd.Root(), args[0]) },
	}
}

func writeManual(cmd *cobra.Command, folder string) error {
	page := filepath.Join(folder, pageName(cmd)+".1")
	if err := os.WriteFile(page, []byte(manualPage(cmd)), 0o644); err != nil {
		return err
	}
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			if err := writeManual(child, folder); err != nil {
				return err
			}
		}
	}
	return nil
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manualPage returns the manual page of a command as roff. Cobra's own generator goes through Markdown, and brings a parser of it.
func manualPage(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	var page strings.Builder
	fmt.Fprintf(&page, ".TH %q 1 \"\" %q\n", strings.ToUpper(pageName(cmd)), "Postrider "+server.Version())
	section := func(title, format string, args ...any) {
		fmt.Fprintf(&page, ".SH "+title+"\n"+format, args...)
	}
	section("NAME", "%s \\- %s\n", roff(pageName(cmd)), roff(cmd.Short))
	section("SYNOPSIS", ".B %s\n", roff(cmd.UseLine()))
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&page, ".br\n.B %s\n", roff(cmd.CommandPath()+" COMMAND"))
	}
	section("DESCRIPTION", "%s", paragraphs(description(cmd)))
	if cmd.HasAvailableSubCommands() {
		section("COMMANDS", "%s", commandList(cmd))
	}
	section("OPTIONS", "%s", optionList(cmd))
	if cmd.Example != "" {
		section("EXAMPLES", ".nf\n%s\n.fi\n", roff(cmd.Example))
	}
	if cmd.HasParent() {
		section("SEE ALSO", ".BR %s (1)\n", roff(pageName(cmd.Parent())))
	}
	return page.String()
}

func description(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short + "."
}

// paragraphs fills the paragraphs of a text and leaves those alone that have indented lines, such as a list.
func paragraphs(text string) string {
	var all []string
	for one := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if strings.Contains("\n"+one, "\n  ") {
			all = append(all, ".nf\n"+roff(one)+"\n.fi\n")
		} else {
			all = append(all, roff(one)+"\n")
		}
	}
	return strings.Join(all, ".PP\n")
}

func commandList(cmd *cobra.Command) string {
	var list strings.Builder
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			fmt.Fprintf(&list, ".TP\n.BR %s (1)\n%s\n", roff(pageName(child)), roff(child.Short))
		}
	}
	return list.String()
}

func optionList(cmd *cobra.Command) string {
	var list strings.Builder
	option := func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(flag)
		name := "--" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		if flag.DefValue != "" && flag.DefValue != "false" && flag.DefValue != "0" {
			usage += " (default " + flag.DefValue + ")"
		}
		fmt.Fprintf(&list, ".TP\n.B %s\n%s\n", roff(name), roff(usage))
	}
	cmd.NonInheritedFlags().VisitAll(option)
	cmd.InheritedFlags().VisitAll(option)
	return list.String()
}

// roff keeps what means something to roff from doing so: backslashes, hyphens that stand for a minus, and lines that look like requests.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
