// Package report is how a domain package speaks to a person while it works. Each door
// (Packer, imgctl, a log) has an adapter; the domain knows only Reporter.
package report

import (
	"context"
	"fmt"
	"log/slog"
)

// Reporter takes the news of a running operation. It is safe for concurrent use.
type Reporter interface {
	// Step says what is being done now.
	Step(format string, args ...any)
	// Warn says what the user should know although the operation goes on.
	Warn(format string, args ...any)
	// Progress says how much of what is done; total is 0 where it is not known.
	Progress(what string, done, total int64)
}

// Ui is the part of Packer's user interface that a Reporter needs.
type Ui interface {
	Say(string)
	Message(string)
	Error(string)
}

// Packer reports to the ui of a Packer build.
func Packer(ui Ui) Reporter { return packer{ui} }

type packer struct{ ui Ui }

func (p packer) Step(format string, args ...any) { p.ui.Say(fmt.Sprintf(format, args...)) }

func (p packer) Warn(format string, args ...any) {
	p.ui.Error("Warning: " + fmt.Sprintf(format, args...))
}

func (p packer) Progress(what string, done, total int64) {
	if total > 0 {
		p.ui.Message(fmt.Sprintf("%s: %d of %d", what, done, total))
		return
	}
	p.ui.Message(fmt.Sprintf("%s: %d", what, done))
}

// Log reports to a structured log.
func Log(l *slog.Logger) Reporter { return logger{l} }

type logger struct{ l *slog.Logger }

func (l logger) Step(format string, args ...any) { l.l.Info(fmt.Sprintf(format, args...)) }
func (l logger) Warn(format string, args ...any) { l.l.Warn(fmt.Sprintf(format, args...)) }
func (l logger) Progress(what string, done, total int64) {
	l.l.LogAttrs(context.Background(), slog.LevelInfo, what, slog.Int64("done", done), slog.Int64("total", total))
}

// Discard drops all news.
var Discard Reporter = discard{}

type discard struct{}

func (discard) Step(string, ...any)           {}
func (discard) Warn(string, ...any)           {}
func (discard) Progress(string, int64, int64) {}
