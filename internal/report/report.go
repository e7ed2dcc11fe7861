// Package report lets a subject report to a person while it works. Each door (Packer, imgctl, a log)
// has an adapter; a subject knows only Reporter.
package report

import (
	"context"
	"log/slog"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Reporter receives the messages of a running operation. It is safe for concurrent use.
//
// The formats are those of fmt.Sprintf. A fault.Option, fault.Setting or fault.Action in args is
// spelled by the door.
type Reporter interface {
	// Step says what is being done now.
	Step(format string, args ...any)
	// Warn reports a problem that doesn't stop the operation.
	Warn(format string, args ...any)
	// Progress says how much of something is done; total is 0 if it is unknown.
	Progress(what string, done, total int64)
}

// Log reports to a structured log.
func Log(l *slog.Logger) Reporter { return logger{l} }

type logger struct{ l *slog.Logger }

func (l logger) Step(format string, args ...any) {
	l.l.Info(fault.Sprintf(fault.Neutral, format, args...))
}

func (l logger) Warn(format string, args ...any) {
	l.l.Warn(fault.Sprintf(fault.Neutral, format, args...))
}

func (l logger) Progress(what string, done, total int64) {
	l.l.LogAttrs(context.Background(), slog.LevelInfo, what, slog.Int64("done", done), slog.Int64("total", total))
}

// Discard drops all messages.
var Discard Reporter = discard{}

type discard struct{}

func (discard) Step(string, ...any)           {}
func (discard) Warn(string, ...any)           {}
func (discard) Progress(string, int64, int64) {}
