package schema

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// maxFaults bounds the faults that are reported for one set of files.
const maxFaults = 100

// faults collects what is wrong with a schema, to be told at once.
type faults struct {
	found []gateway.Violation
	more  int
}

// add notes a fault. The place is "file:line:column", a file, or the name of what is at fault.
func (f *faults) add(place, format string, args ...any) {
	if f.full() {
		f.more++
		return
	}
	f.found = append(f.found, gateway.Violation{Field: place, Message: fmt.Sprintf(format, args...)})
}

// full reports whether further faults are only counted.
func (f *faults) full() bool { return len(f.found) == maxFaults }

// err returns the faults as an error, nil when there are none.
func (f *faults) err() error {
	if len(f.found) == 0 {
		return nil
	}
	e := invalid("%s", gateway.Summary(f.found))
	e.Fields = f.found
	if f.more > 0 {
		e.Message += fmt.Sprintf(", and %d faults that are not listed", f.more)
	}
	return e
}

func invalid(format string, args ...any) *gateway.Error {
	return gateway.Errorf(gateway.CodeInvalid, gateway.ReasonInvalidSchema, format, args...)
}

// position is a place in a .proto file. Line and column count from 1; they are 0 when they are not known.
type position struct {
	file         string
	line, column int
}

func (p position) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.column)
}

// positionOf says where something is declared.
func positionOf(d protoreflect.Descriptor) position {
	file := d.ParentFile()
	p := position{file: file.Path()}
	location := file.SourceLocations().ByDescriptor(d)
	if location.Path != nil {
		p.line, p.column = location.StartLine+1, location.StartColumn+1
	}
	return p
}

// comment returns what is written before a declaration.
func comment(d protoreflect.Descriptor) string {
	location := d.ParentFile().SourceLocations().ByDescriptor(d)
	text := location.LeadingComments
	if text == "" {
		text = location.TrailingComments
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(line, " "), " \t\r")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
