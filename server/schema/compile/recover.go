package compile

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// PanicError is a panic while a schema, or a payload of one, was worked with. Schemas come from outside: what nobody has
// thought of is a fault of the server's that one schema brings out, and must cost that schema only.
type PanicError struct {
	// Doing says what was done, Place where the panic began, as "folder/file.go:line".
	Doing, Place string
	Value        any
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("%s: panic at %s: %v", e.Doing, e.Place, e.Value)
}

// Recover makes a *PanicError of a panic. It is deferred, as the last resort, where work on a schema begins.
func Recover(err *error, doing string) {
	if value := recover(); value != nil {
		*err = &PanicError{Doing: doing, Place: panicPlace(), Value: value}
	}
}

// ours is what the names of our own functions begin with.
const ours = "github.com/postrider-dev/postrider/server/"

// panicPlace finds the innermost function of ours on the stack of a panic.
func panicPlace() string {
	var stack [64]uintptr
	// This function, Recover, and what calls them.
	frames := runtime.CallersFrames(stack[:runtime.Callers(3, stack[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, ours) {
			return fmt.Sprintf("%s/%s:%d", path.Base(path.Dir(frame.File)), path.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
