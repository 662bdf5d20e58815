package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
)

// The exit codes, which scripts rely on.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitUnreachable = 4
)

// usageError is a command line that makes no sense.
type usageError struct {
	command *cobra.Command
	err     error
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// exitCode says with what code the process ends after err.
func exitCode(err error) int {
	var usage usageError
	var refused *connect.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	case errors.As(err, &refused):
		return codeExit(refused.Code())
	case errors.Is(err, errIncompatible):
		return exitRefused
	case errors.Is(err, errNoKey):
		return exitUnreachable
	default:
		return exitFailed
	}
}

func codeExit(code connect.Code) int {
	switch code {
	case connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return exitUnreachable
	case connect.CodeCanceled, connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return exitFailed
	default:
		return exitRefused
	}
}

// report prints an error for a person.
func report(w io.Writer, err error) {
	// What a server says stays under the line that says who says it.
	fmt.Fprintf(w, "postrider: %s\n", strings.ReplaceAll(message(err), "\n", "\n  "))
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(w, "Run %q for help.\n", usage.command.CommandPath()+" --help")
	}
}

// message is the error without the name of its code, which says nothing to a person that the message does not.
func message(err error) string {
	text := err.Error()
	var refused *connect.Error
	if errors.As(err, &refused) && refused.Message() != "" {
		text = strings.Replace(text, refused.Error(), refused.Message(), 1)
	}
	return text
}
