package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"text/tabwriter"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// pageSize is the number of rows that is asked for at once.
const pageSize = 1000

// format is how a command prints its result: as text for people, or as JSON for programs.
type format struct{ json, ndjson bool }

// add adds the flags of a command that prints a list.
func (f *format) add(cmd *cobra.Command) {
	f.addFlags(cmd, "print a JSON array", "print one line of JSON for each")
}

// addOne adds the flags of a command that prints one thing.
func (f *format) addOne(cmd *cobra.Command) {
	f.addFlags(cmd, "print JSON", "print JSON, which is one line here")
}

func (f *format) addFlags(cmd *cobra.Command, json, ndjson string) {
	cmd.Flags().BoolVar(&f.json, "json", false, json)
	cmd.Flags().BoolVar(&f.ndjson, "ndjson", false, ndjson)
	checkFirst(cmd, func(*cobra.Command) error {
		if f.json && f.ndjson {
			return wrongUsage("give either --json or --ndjson")
		}
		return nil
	})
}

// forPrograms reports whether JSON is asked for.
func (f *format) forPrograms() bool { return f.json || f.ndjson }

// printOne prints one message as JSON, or calls text.
func (f *format) printOne(w io.Writer, message proto.Message, text func() error) error {
	if f.forPrograms() {
		return printMessage(w, message)
	}
	return text()
}

// listing is how the rows of a list are printed.
type listing[M any] struct {
	head string
	// row returns the columns.
	row func(M) []any
	// json returns the row as one line of JSON.
	json func(M) (string, error)
}

// pages reads a list page by page. fetch returns a page, and the token of the next one.
func pages[M any](fetch func(token string) ([]M, string, error)) iter.Seq2[[]M, error] {
	return func(yield func([]M, error) bool) {
		for token := ""; ; {
			page, next, err := fetch(token)
			if !yield(page, err) || err != nil || next == "" {
				return
			}
			token = next
		}
	}
}

// printList prints a list as it is read. Of a list that fails in the middle, the rows before are printed.
func printList[M any](w io.Writer, f format, l listing[M], list iter.Seq2[[]M, error]) error {
	if f.forPrograms() {
		return l.printJSON(w, f.json, list)
	}
	var all []M
	for page, err := range list {
		if err != nil {
			return err
		}
		all = append(all, page...)
	}
	return l.table(w, all)
}

func (l listing[M]) table(w io.Writer, all []M) error {
	return table(w, l.head, func(row func(...any)) {
		for _, one := range all {
			row(l.row(one)...)
		}
	})
}

func (l listing[M]) printJSON(w io.Writer, array bool, list iter.Seq2[[]M, error]) error {
	before, after := "", "\n"
	if array {
		before, after = "[", ""
	}
	for page, err := range list {
		if err != nil {
			return err
		}
		for _, one := range page {
			text, err := l.json(one)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, before+text+after); err != nil {
				return err
			}
			if array {
				before = ",\n "
			}
		}
	}
	if !array {
		return nil
	}
	if before == "[" {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	_, err := io.WriteString(w, "]\n")
	return err
}

// messageLine is a message as one line of JSON, in the names of the API.
func messageLine[M proto.Message](message M) (string, error) {
	text, err := protojson.Marshal(message)
	return oneLine(string(text)), err
}

// jsonLine is a value as one line of JSON.
func jsonLine[M any](value M) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

// printMessage prints a message as one line of JSON.
func printMessage(w io.Writer, message proto.Message) error {
	text, err := messageLine(message)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

// oneLine is JSON text without its line breaks.
func oneLine(text string) string {
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		return text
	}
	return out.String()
}

// table prints rows under a head, in columns.
func table(w io.Writer, head string, rows func(row func(columns ...any))) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, head)
	rows(func(values ...any) {
		for i, value := range visibleArgs(values) {
			if i > 0 {
				fmt.Fprint(columns, "\t")
			}
			fmt.Fprint(columns, value)
		}
		fmt.Fprintln(columns)
	})
	return columns.Flush()
}

// details prints names and values, one a line. Empty values are left out.
func details(w io.Writer, pairs ...[2]string) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, pair := range pairs {
		if pair[1] != "" {
			fmt.Fprintf(columns, "%s\t%s\n", pair[0], visible(pair[1]))
		}
	}
	return columns.Flush()
}

func isTerminal(w io.Writer) bool {
	file, ok := unescaped(w).(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

func isSet(env environment, name string) bool {
	value, ok := env.lookup(name)
	return ok && value != ""
}
