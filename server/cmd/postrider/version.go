package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/postrider-dev/postrider/server"
)

func versionCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.stdout, versionLine())
			return err
		},
	}
}

// printVersion adds the flag --version. Cobra's own would print by text/template, with which the linker keeps every method of every type.
func printVersion(root *cobra.Command, env environment) {
	version := root.Flags().Bool("version", false, "print the version")
	without := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if !*version || len(args) > 0 {
			return without(cmd, args)
		}
		_, err := fmt.Fprintln(env.stdout, versionLine())
		return err
	}
}

// versionLine names this program, its version and what it was built for.
func versionLine() string {
	return fmt.Sprintf("postrider %s %s %s/%s", server.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{cmd, fmt.Errorf("%q takes no arguments, but got %q", cmd.CommandPath(), args[0])}
	}
	return nil
}
