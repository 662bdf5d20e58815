// Package telemetry is what operators observe of the server: its structured log.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// The formats of the log.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// NewLogger returns a logger that writes lines of at least this level ("debug", "info", "warn", "error") to w, in one of the
// formats. An error names the invalid setting.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	threshold, err := ParseLevel(level)
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: threshold}
	switch format {
	case FormatText:
		return slog.New(slog.NewTextHandler(w, options)), nil
	case FormatJSON:
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, fmt.Errorf("log format %q is neither %s nor %s", format, FormatText, FormatJSON)
	}
}

// ParseLevel parses the name of a level, in any case.
func ParseLevel(name string) (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return 0, fmt.Errorf("log level %q is none of debug, info, warn, error", name)
	}
	return level, nil
}
