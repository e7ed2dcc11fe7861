package retention

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Write writes the plan as JSON, an image per line.
func (p *Plan) Write(w io.Writer) error {
	head := *p
	head.Images, head.Seal = nil, ""
	text, err := json.Marshal(&head)
	if err != nil {
		return err
	}
	text = bytes.TrimSuffix(text, []byte(`null,"seal":""}`))
	if _, err := w.Write(append(text, "[\n"...)); err != nil {
		return err
	}
	seal := sha256.New()
	for n, e := range p.Images {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		seal.Write(line)
		if n < len(p.Images)-1 {
			line = append(line, ',')
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "],\"seal\":\"%x\"}\n", seal.Sum(nil))
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
	if err := p.sealed(); err != nil {
		return nil, fault.New(fault.Usage, "change the policy, such as its skip, then make a new plan", "reading the plan: %w", err)
	}
	if p.Project != site.Project {
		return nil, fault.New(fault.Usage, "use the credentials of that project",
			"the plan is for project %s, and the credentials are for %s", p.Project, site.Project)
	}
	return p, site.mayChange(p.Policy)
}

// sealed refuses a plan whose images somebody has edited: no decision stands behind what it does to them.
func (p *Plan) sealed() error {
	seal := sha256.New()
	for _, e := range p.Images {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		seal.Write(line)
	}
	if hex.EncodeToString(seal.Sum(nil)) != p.Seal {
		return errors.New("its images have been edited")
	}
	return nil
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
