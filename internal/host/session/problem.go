package session

import (
	"errors"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/clouds"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

var kinds = map[pluginv1.ProblemKind]fault.Kind{
	pluginv1.ProblemKind_PROBLEM_KIND_NOT_FOUND:   fault.NotFound,
	pluginv1.ProblemKind_PROBLEM_KIND_AMBIGUOUS:   fault.Ambiguous,
	pluginv1.ProblemKind_PROBLEM_KIND_FORBIDDEN:   fault.Forbidden,
	pluginv1.ProblemKind_PROBLEM_KIND_QUOTA:       fault.Quota,
	pluginv1.ProblemKind_PROBLEM_KIND_CONFLICT:    fault.Conflict,
	pluginv1.ProblemKind_PROBLEM_KIND_USAGE:       fault.Usage,
	pluginv1.ProblemKind_PROBLEM_KIND_PARTIAL:     fault.Partial,
	pluginv1.ProblemKind_PROBLEM_KIND_DRIFT:       fault.Drift,
	pluginv1.ProblemKind_PROBLEM_KIND_UNAVAILABLE: fault.Unavailable,
	pluginv1.ProblemKind_PROBLEM_KIND_CANCELLED:   fault.Cancelled,
}

// Problem is what a plugin's problem is in this program: its message, then its parts, each on a
// line of its own.
func (s *session) problem(p *pluginv1.Problem) error {
	var b strings.Builder
	b.WriteString(p.GetMessage())
	if p.GetMessage() == "" {
		b.WriteString("the plugin did not say what failed")
	}
	var ids []string
	for _, id := range p.GetRequestIds() {
		if !strings.Contains(p.GetMessage(), id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		b.WriteString(" (" + strings.Join(ids, ", ") + ")")
	}
	for _, d := range p.GetDetails() {
		b.WriteString("\n  " + d.GetSubject() + ": " + d.GetMessage())
	}
	hint := p.GetHint()
	if url := p.GetDocUrl(); url != "" {
		hint = strings.TrimPrefix(hint+", see "+url, ", ")
	}
	if hint != "" && len(p.GetDetails()) > 0 {
		b.WriteString("\n" + hint)
		hint = ""
	}
	return fault.Wrap(kinds[p.GetKind()], hint, errors.New(b.String()))
}

// problemOf is an error of this program for a plugin.
func problemOf(err error) *pluginv1.Problem {
	message, hint := fault.Spell(err, clouds.Words)
	p := &pluginv1.Problem{
		Kind: pluginv1.ProblemKind_PROBLEM_KIND_INTERNAL, Message: message, Hint: hint,
		RequestIds: fault.RequestIDs(err),
	}
	for kind, ours := range kinds {
		if fault.KindOf(err) == ours {
			p.Kind = kind
		}
	}
	return p
}
