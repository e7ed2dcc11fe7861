package sdk

import (
	"context"
	"errors"
	"fmt"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// ProblemKind is what sort of failure a Problem is; imgctl's exit code follows from it.
type ProblemKind = pluginv1.ProblemKind

// The kinds of failure, with imgctl's exit codes.
const (
	Internal    = pluginv1.ProblemKind_PROBLEM_KIND_INTERNAL    // 1; anything else
	NotFound    = pluginv1.ProblemKind_PROBLEM_KIND_NOT_FOUND   // 4
	Ambiguous   = pluginv1.ProblemKind_PROBLEM_KIND_AMBIGUOUS   // 5
	Forbidden   = pluginv1.ProblemKind_PROBLEM_KIND_FORBIDDEN   // 6
	Quota       = pluginv1.ProblemKind_PROBLEM_KIND_QUOTA       // 7
	Conflict    = pluginv1.ProblemKind_PROBLEM_KIND_CONFLICT    // 1
	Usage       = pluginv1.ProblemKind_PROBLEM_KIND_USAGE       // 2
	Partial     = pluginv1.ProblemKind_PROBLEM_KIND_PARTIAL     // 3
	Drift       = pluginv1.ProblemKind_PROBLEM_KIND_DRIFT       // 8
	Unavailable = pluginv1.ProblemKind_PROBLEM_KIND_UNAVAILABLE // 1
	Cancelled   = pluginv1.ProblemKind_PROBLEM_KIND_CANCELLED   // 130
)

// Problem is an error that says what kind it is and what to do next. An error that has one in its
// chain keeps its own message, and takes the rest from the Problem.
type Problem struct {
	Kind ProblemKind
	// Err says what was being done with which object, and what the service said: lower case, no full
	// stop.
	Err error
	// Hint says what to do next.
	Hint string
	// Details are the parts that failed, where there are several.
	Details []Detail
	// Retryable says that the same command may succeed later.
	Retryable bool
	// RequestIDs are the x-openstack-request-id of the services' answers.
	RequestIDs []string
	// DocURL is a page about it.
	DocURL string
}

// Detail is one part that failed.
type Detail struct{ Subject, Message string }

// Fail makes a Problem; format and args are fmt.Errorf's, and the hint may be empty.
func Fail(kind ProblemKind, hint, format string, args ...any) error {
	return &Problem{Kind: kind, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// Error is the message of Err.
func (p *Problem) Error() string {
	if p.Err == nil {
		return "no message"
	}
	return p.Err.Error()
}

// Unwrap gives Err.
func (p *Problem) Unwrap() error { return p.Err }

// Exit is what a Raw command returns to end with a status other than 0.
func Exit(status int) error { return exit(status) }

type exit int

func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// done is the message that ends a command which returned err.
func done(err error, unchanged bool) *pluginv1.Done {
	var status exit
	switch {
	case err == nil && unchanged:
		return &pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_UNCHANGED}
	case err == nil:
		return &pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_SUCCEEDED}
	case errors.As(err, &status):
		return &pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_SUCCEEDED, ExitCode: int32(status)}
	}
	return &pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_FAILED, Problem: problem(err)}
}

func problem(err error) *pluginv1.Problem {
	wire := &pluginv1.Problem{Kind: Internal, Message: valid(err.Error())}
	var p *Problem
	if !errors.As(err, &p) {
		if errors.Is(err, context.Canceled) {
			wire.Kind = Cancelled
		}
		return wire
	}
	wire.Kind = max(p.Kind, Internal)
	wire.Hint, wire.Retryable, wire.DocUrl = valid(p.Hint), p.Retryable, valid(p.DocURL)
	for _, d := range p.Details {
		wire.Details = append(wire.Details, &pluginv1.Detail{Subject: valid(d.Subject), Message: valid(d.Message)})
	}
	for _, id := range p.RequestIDs {
		wire.RequestIds = append(wire.RequestIds, valid(id))
	}
	return wire
}

// failure is a Problem that came over the wire, as an error.
func failure(p *pluginv1.Problem) error {
	f := &Problem{
		Kind: p.GetKind(), Err: errors.New(p.GetMessage()), Hint: p.GetHint(),
		Retryable: p.GetRetryable(), RequestIDs: p.GetRequestIds(), DocURL: p.GetDocUrl(),
	}
	for _, d := range p.GetDetails() {
		f.Details = append(f.Details, Detail{Subject: d.GetSubject(), Message: d.GetMessage()})
	}
	return f
}
