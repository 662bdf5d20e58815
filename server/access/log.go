package access

import (
	"context"
	"log/slog"
	"time"

	"github.com/postrider-dev/postrider/server/limit"
)

// Log writes one line for each request: procedure, caller, result and duration. Requests that succeeded and changed nothing are
// logged at debug, and so are publishes, of which there are thousands a second. Refused requests are sampled.
type Log struct {
	logger  *slog.Logger
	refused *limit.Sampler
}

func newLog(logger *slog.Logger) Log { return Log{logger, limit.NewSampler(logger)} }

// Line is what is logged of one request.
type Line struct {
	Procedure, Protocol, Peer string
	Began                     time.Time
	// Quiet lines are written at debug if the request succeeded.
	Quiet bool
	// Code and Err are the result. Code is one of the contract's in lower case, or "ok".
	Code string
	Err  error
}

func (l Line) level() slog.Level {
	switch l.Code {
	case "ok":
		if l.Quiet {
			return slog.LevelDebug
		}
		return slog.LevelInfo
	case "internal", "unknown", "data_loss":
		return slog.LevelError
	case "canceled":
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

// Write writes the line of a request whose caller is that of the context.
func (l Log) Write(ctx context.Context, line Line) {
	level := line.level()
	if !l.logger.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("procedure", line.Procedure), slog.String("protocol", line.Protocol), slog.String("peer", line.Peer),
		slog.String("key", Of(ctx).KeyID), slog.Duration("took", time.Since(line.Began)), slog.String("code", line.Code),
	}
	if line.Err != nil {
		attributes = append(attributes, slog.String("error", line.Err.Error()))
	}
	if line.Err != nil && level < slog.LevelError {
		l.refused.Log(ctx, level, "request", attributes...)
		return
	}
	l.logger.LogAttrs(ctx, level, "request", attributes...)
}

// Refused writes the line of a call that was not admitted.
func (l Log) Refused(ctx context.Context, procedure, peer string, c Caller, err error) {
	l.refused.Log(ctx, slog.LevelInfo, "refused", slog.String("procedure", procedure),
		slog.String("peer", peer), slog.String("key", c.KeyID), slog.Any("error", err))
}
