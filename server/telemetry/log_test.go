package telemetry_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/telemetry"
)

func TestNewLogger(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, level, format string
		want                string // the beginning of the line of an Info
		fault               string
	}{
		{"text", "info", "text", `time=`, ""},
		{"json", "INFO", "json", `{"time":`, ""},
		{"below the threshold", "warn", "text", "", ""},
		{"no such level", "loud", "text", "", `log level "loud"`},
		{"no such format", "info", "xml", "", `log format "xml"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			logger, err := telemetry.NewLogger(&out, tt.level, tt.format)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("error %v, want one with %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			logger.Info("hello")
			if !strings.HasPrefix(out.String(), tt.want) || (tt.want == "") != (out.Len() == 0) {
				t.Errorf("line %q, want it to begin with %q", out.String(), tt.want)
			}
		})
	}
}
