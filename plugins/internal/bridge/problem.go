package bridge

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// kinds are imgctl's names for the kinds of failure.
var kinds = map[fault.Kind]sdk.ProblemKind{
	fault.Internal:    sdk.Internal,
	fault.NotFound:    sdk.NotFound,
	fault.Ambiguous:   sdk.Ambiguous,
	fault.Forbidden:   sdk.Forbidden,
	fault.Quota:       sdk.Quota,
	fault.Conflict:    sdk.Conflict,
	fault.Usage:       sdk.Usage,
	fault.Partial:     sdk.Partial,
	fault.Drift:       sdk.Drift,
	fault.Unavailable: sdk.Unavailable,
	fault.Cancelled:   sdk.Cancelled,
}

// Problem is a subject's error in imgctl's words: its kind, its advice apart from the message, and
// the ids of the requests that failed. nil stays nil, and a Problem is one already.
func Problem(err error) error { return problem(err, Spelling{Program: "imgctl"}) }

func problem(err error, s fault.Speller) error {
	var done *sdk.Problem
	if err == nil || errors.As(err, &done) && !isFault(err) {
		return err
	}
	err = cloud.Classify(err)
	text, hint := fault.Spell(err, s)
	kind := fault.Outcome(err)
	return &sdk.Problem{
		Kind: kinds[kind], Err: message{err, text}, Hint: hint,
		Retryable: kind == fault.Unavailable, RequestIDs: fault.RequestIDs(err),
	}
}

func isFault(err error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return ok
}

// message is an error under another text.
type message struct {
	error
	text string
}

func (m message) Error() string { return m.text }
func (m message) Unwrap() error { return m.error }

// Run is a command's function whose errors are a subject's. renamed are the options whose flag or
// argument has another name.
func Run(command func(ctx context.Context, in *sdk.Input, out *sdk.Output) error, renamed ...map[string]string) func(context.Context,
	*sdk.Input, *sdk.Output) error {
	return func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
		return problem(command(ctx, in, out), Words(in, renamed...))
	}
}
