package main

import "github.com/spf13/pflag"

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
