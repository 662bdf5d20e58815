package limit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// The rate of log lines about refused calls: a flood of calls must not become a flood of lines.
const (
	linesPerSecond = 10
	linesBurst     = 100
)

// Sampler logs refused calls at a limited rate and counts the others.
type Sampler struct {
	logger  *slog.Logger
	lines   *rate.Limiter
	leftOut atomic.Int64
}

// NewSampler returns a Sampler that writes to logger.
func NewSampler(logger *slog.Logger) *Sampler {
	return &Sampler{logger: logger, lines: rate.NewLimiter(linesPerSecond, linesBurst)}
}

// Log writes a line, or counts a line that is left out. The next line has the count.
func (s *Sampler) Log(ctx context.Context, level slog.Level, message string, attributes ...slog.Attr) {
	if !s.logger.Enabled(ctx, level) {
		return
	}
	if !s.lines.AllowN(time.Now(), 1) {
		s.leftOut.Add(1)
		return
	}
	if n := s.leftOut.Swap(0); n > 0 {
		attributes = append(attributes, slog.Int64("left_out", n))
	}
	s.logger.LogAttrs(ctx, level, message, attributes...)
}
