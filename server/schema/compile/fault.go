package compile

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// maxFaults bounds the faults that are reported for one set of files.
const maxFaults = 100

// faults collects the faults of a schema, which are reported together.
type faults struct {
	found []gateway.Violation
	more  int
}

// add adds a fault. The place is "file:line:column", a file, or the name of the faulty declaration.
func (f *faults) add(place, format string, args ...any) {
	if f.full() {
		f.more++
		return
	}
	f.found = append(f.found, gateway.Violation{Field: place, Message: fmt.Sprintf(format, args...)})
}

// full reports whether further faults are counted but not kept.
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

// Position is a place in a .proto file. Line and column count from 1; they are 0 when unknown.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// PositionOf returns the place of a declaration.
func PositionOf(d protoreflect.Descriptor) Position {
	file := d.ParentFile()
	p := Position{File: file.Path()}
	location := file.SourceLocations().ByDescriptor(d)
	if location.Path != nil {
		p.Line, p.Column = location.StartLine+1, location.StartColumn+1
	}
	return p
}

// Comment returns the comment in front of a declaration.
func Comment(d protoreflect.Descriptor) string {
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

// TrimProto removes the prefix of the Protobuf runtime, which sometimes ends with a no-break space.
func TrimProto(text string) string {
	return strings.TrimLeft(strings.TrimPrefix(text, "proto:"), " \u00a0")
}
