package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// selective lets a command refuse what narrows its selection and is given as nothing, as by a variable of the shell that is
// not set: it would select all.
func selective(cmd *cobra.Command, flags ...string) {
	checkFirst(cmd, func(cmd *cobra.Command) error {
		for _, name := range flags {
			if flag := cmd.Flags().Lookup(name); flag.Changed && (flag.Value.String() == "" || flag.Value.String() == "[]") {
				return usageError{cmd, fmt.Errorf("--%s has no value; leave it out to select all", name)}
			}
		}
		return nil
	})
}

// checkFirst adds a check of the flags that a command makes before it runs.
func checkFirst(cmd *cobra.Command, check func(cmd *cobra.Command) error) {
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if before != nil {
			if err := before(cmd, args); err != nil {
				return err
			}
		}
		return check(cmd)
	}
}

// named says in the help what a flag takes, where pflag would show the type of Go that holds it. An empty default is not shown.
func named(set *pflag.FlagSet, flag, shown string) {
	f := set.Lookup(flag)
	f.Value = namedValue{f.Value, shown}
	if f.DefValue == "[]" || f.DefValue == "0s" {
		f.DefValue = ""
	}
}

type namedValue struct {
	pflag.Value
	shown string
}

func (v namedValue) Type() string { return v.shown }

// Set takes nothing for a list of times that is empty, as lists of texts do.
func (v namedValue) Set(text string) error {
	if times, ok := v.Value.(pflag.SliceValue); ok && text == "" && v.Value.Type() == "durationSlice" {
		return times.Replace(nil)
	}
	return v.Value.Set(text)
}

// textFlag is a flag with text, whose help shows a placeholder for it.
type textFlag struct {
	value *string
	shown string
}

var _ pflag.Value = textFlag{}

func placeholder(value *string, shown string) textFlag { return textFlag{value, shown} }

func (f textFlag) String() string {
	if f.value == nil {
		return ""
	}
	return *f.value
}

func (f textFlag) Set(text string) error { *f.value = text; return nil }
func (f textFlag) Type() string          { return f.shown }
