package watch

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Wanted is an image that is asked for by hand.
type Wanted struct {
	Personality, Archetype, OS, OSVersion, Arch string
	Domain, Sandbox                             string // one of them; Sandbox is owner/name
	Hostname                                    string // "" for none
}

type named struct {
	Name string `json:"name"`
}

type branch struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Author string `json:"author,omitempty"`
}

// Profile is a profile with only what a build needs.
func (w Wanted) Profile() ([]byte, error) {
	for _, o := range []struct{ option, value string }{
		{"personality", w.Personality}, {"archetype", w.Archetype}, {"os", w.OS}, {"release", w.OSVersion}, {"arch", w.Arch},
	} {
		if strings.TrimSpace(o.value) == "" {
			return nil, fault.Bad(o.option, "", "it is empty")
		}
	}
	var p struct {
		Metadata struct {
			Template struct {
				Branch branch `json:"branch"`
			} `json:"template"`
		} `json:"metadata"`
		System struct {
			Personality named `json:"personality"`
			Archetype   named `json:"archetype"`
			OS          struct {
				Architecture string `json:"architecture"`
				Distribution named  `json:"distribution"`
				Version      named  `json:"version"`
			} `json:"os"`
			Network *struct {
				Hostname string `json:"hostname"`
			} `json:"network,omitempty"`
		} `json:"system"`
	}
	author, sandbox, ok := strings.Cut(w.Sandbox, "/")
	switch {
	case (w.Domain == "") == (w.Sandbox == ""):
		return nil, fault.New(fault.Usage, "", "give either %s or %s", fault.Option("domain"), fault.Option("sandbox"))
	case w.Domain != "":
		p.Metadata.Template.Branch = branch{Name: w.Domain, Type: "domain"}
	case !ok || author == "" || sandbox == "" || strings.Contains(sandbox, "/"):
		return nil, fault.Bad("sandbox", "", "expected owner/name, this is %q", w.Sandbox)
	default:
		p.Metadata.Template.Branch = branch{Name: sandbox, Type: "sandbox", Author: author}
	}
	p.System.Personality.Name, p.System.Archetype.Name = w.Personality, w.Archetype
	p.System.OS.Architecture, p.System.OS.Distribution.Name, p.System.OS.Version.Name = w.Arch, w.OS, w.OSVersion
	if w.Hostname != "" {
		p.System.Network = &struct {
			Hostname string `json:"hostname"`
		}{w.Hostname}
	}
	return json.Marshal(p)
}

// Request is a profile whose image is to be built, and where the profile came from.
type Request struct {
	Source string
	Text   []byte
	Force  bool // build it even if nothing has changed
}

// Enqueue is the plan to ask for builds by hand.
type Enqueue struct {
	sink     Sink
	sources  []string
	messages []queue.Message
	applied  bool
	done     bool
}

var _ change.Plan = (*Enqueue)(nil)

// PlanEnqueue plans to ask for a build of each profile. It sends nothing. Style is how images get their names.
func PlanEnqueue(sink Sink, style string, requests ...Request) (*Enqueue, error) {
	p := &Enqueue{sink: sink}
	first := map[string]string{}
	for _, r := range requests {
		m, err := message(r.Source, r.Text, style)
		if err != nil {
			return nil, err
		}
		if other, twice := first[m.Subject]; twice {
			return nil, fault.New(fault.Ambiguous, "", "%s and %s both build %q", other, r.Source, m.Subject)
		}
		first[m.Subject] = r.Source
		m.Force = r.Force
		p.sources, p.messages = append(p.sources, r.Source), append(p.messages, m)
	}
	return p, nil
}

// Done is false: asking twice builds twice, unless the worker finds that nothing has changed.
func (p *Enqueue) Done() bool { return false }

// Loss is "": a request can be taken out of the queue.
func (p *Enqueue) Loss() string { return "" }

// Notes are none.
func (p *Enqueue) Notes() []fault.Advice { return nil }

// Rows are the requests.
func (p *Enqueue) Rows() []change.Row {
	state := "would send"
	switch {
	case p.done:
		state = "sent"
	case p.applied:
		state = "not sent"
	}
	rows := make([]change.Row, 0, len(p.messages))
	for n, m := range p.messages {
		rows = append(rows, change.Row{
			{Key: "image", Value: m.Subject},
			{Key: "profile", Value: p.sources[n]},
			{Key: "state", Value: state},
			{Key: "message", Value: m.ID},
		})
	}
	return rows
}

// Apply sends the requests.
func (p *Enqueue) Apply(ctx context.Context, _ report.Reporter) error {
	p.applied = true
	if _, err := p.sink.sendNewest(ctx, p.messages, 0); err != nil {
		return err
	}
	p.done = true
	return nil
}
