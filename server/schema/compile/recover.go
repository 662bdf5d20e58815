package compile

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// PanicError is a panic that occurred while a schema, or a payload of it, was processed. Schemas come from outside. An
// unforeseen one may make the server panic; the panic must then affect this schema only.
type PanicError struct {
	// Doing names the operation. Place is where the panic began, as "folder/file.go:line".
	Doing, Place string
	Value        any
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("%s: panic at %s: %v", e.Doing, e.Place, e.Value)
}

// Recover converts a panic to a *PanicError. As a last resort, functions that begin work on a schema defer it.
func Recover(err *error, doing string) {
	if value := recover(); value != nil {
		*err = &PanicError{Doing: doing, Place: panicPlace(), Value: value}
	}
}

// ours is the prefix of the names of our own functions.
const ours = "github.com/postrider-dev/postrider/server/"

// panicPlace returns the innermost function of ours on the stack of a panic.
func panicPlace() string {
	var stack [64]uintptr
	// Skip runtime.Callers, this function and Recover.
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
