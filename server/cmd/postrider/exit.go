package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	goclient "github.com/postrider-dev/postrider/client"
)

// The exit codes, which scripts rely on.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitUnreachable = 4
)

// usageError is a command line that makes no sense. Without a command it is of the one that ran.
type usageError struct {
	command *cobra.Command
	err     error
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// wrongUsage is a usageError of the command that runs.
func wrongUsage(format string, args ...any) error {
	return usageError{err: fmt.Errorf(format, args...)}
}

// exitCode says with what code the process ends after err.
func exitCode(err error) int {
	var usage usageError
	var connection connectionError
	var refused *connect.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &connection), errors.Is(err, errNoKey):
		return exitUnreachable
	case errors.As(err, &refused):
		return codeExit(refused.Code())
	case errors.Is(err, errIncompatible):
		return exitRefused
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

// report prints an error of a command for a person.
func report(w io.Writer, ran *cobra.Command, err error) {
	// What a server says stays under the line that says who says it.
	fmt.Fprintf(w, "postrider: %s\n", strings.ReplaceAll(message(err), "\n", "\n  "))
	var usage usageError
	if errors.As(err, &usage) {
		if usage.command != nil {
			ran = usage.command
		}
		fmt.Fprintf(w, "Run %q for help.\n", ran.CommandPath()+" --help")
	}
}

// message is the error without the name of its code, which says nothing to a person that the message does not. Several violations
// have a line each.
func message(err error) string {
	text := err.Error()
	var refused *connect.Error
	if !errors.As(err, &refused) || refused.Message() == "" {
		return text
	}
	plain := refused.Message()
	if lines := violations(refused); len(lines) > 1 {
		plain = fmt.Sprintf("refused for %d reasons:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	return strings.Replace(text, refused.Error(), plain, 1)
}

// violations lists the fields at fault that an error of the server names, with the reasons.
func violations(refused *connect.Error) (lines []string) {
	for _, one := range goclient.Violations(refused) {
		lines = append(lines, one.Field+": "+one.Message)
	}
	return lines
}
