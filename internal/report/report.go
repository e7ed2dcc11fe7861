// Package report is how a domain package speaks to a person while it works. Each door
// (Packer, imgctl, a log) has an adapter; the domain knows only Reporter.
package report

import (
	"context"
	"log/slog"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Reporter takes the news of a running operation. It is safe for concurrent use.
//
// The formats are fmt.Sprintf's; a fault.Option, fault.Setting or fault.Action among args is written
// in the door's words.
type Reporter interface {
	// Step says what is being done now.
	Step(format string, args ...any)
	// Warn says what the user should know although the operation goes on.
	Warn(format string, args ...any)
	// Progress says how much of what is done; total is 0 where it is not known.
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

// Discard drops all news.
var Discard Reporter = discard{}

type discard struct{}

func (discard) Step(string, ...any)           {}
func (discard) Warn(string, ...any)           {}
func (discard) Progress(string, int64, int64) {}
