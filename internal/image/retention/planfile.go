package retention

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Write writes the plan as JSON, an image per line.
func (p *Plan) Write(w io.Writer) error {
	head := *p
	head.Images = nil
	text, err := json.Marshal(&head)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(bytes.TrimSuffix(text, []byte("null}")), "[\n"...)); err != nil {
		return err
	}
	for n, e := range p.Images {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if n < len(p.Images)-1 {
			line = append(line, ',')
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	_, err = w.Write([]byte("]}\n"))
	return err
}

// maxPlan limits the size of a plan file, in bytes.
const maxPlan = 1 << 30

// ReadPlan reads a plan file, to be applied to the site.
func ReadPlan(r io.Reader, site Site) (*Plan, error) {
	p := &Plan{site: site}
	d := json.NewDecoder(io.LimitReader(r, maxPlan))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fault.New(fault.Usage, "name a file that a plan was written to", "reading the plan: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, fault.New(fault.Usage, "make a new plan", "reading the plan: %w", err)
	}
	if p.Project != site.Project {
		return nil, fault.New(fault.Usage, "use the credentials of that project",
			"the plan is for project %s, and the credentials are for %s", p.Project, site.Project)
	}
	return p, site.mayChange(p.Policy)
}

// check refuses a plan that no run has written.
func (p *Plan) check() error {
	switch {
	case p.Version != planVersion:
		return errors.New("it has another version")
	case p.Policy == nil || p.Digest != p.Policy.Digest():
		return errors.New("its policy is not the one that it was made with")
	}
	seen := map[string]bool{}
	for _, e := range p.Images {
		switch {
		case e == nil || !glance.IsID(e.ID) || seen[e.ID]:
			return errors.New("an image's id is missing, or there twice")
		case e.Action != "" && e.Action != Reactivate && severity(e.Action) < 0:
			return errors.New("an action is unknown: " + e.Action)
		case e.Action != "" && e.State == "":
			return errors.New("an image's state is missing")
		case slices.Contains(p.Policy.Skip, e.ID) && e.Action != "":
			return errors.New("it has an action for an image that its policy skips")
		}
		seen[e.ID] = true
	}
	return nil
}
