package sandbox

import (
	"io"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// What can go wrong with a request, and which requests it happens to.
type (
	Effect  = front.Effect
	Fault   = front.Fault
	Rule    = front.Rule
	Faults  = front.Faults
	Request = front.Request // a line of the request log
)

// The effects of a fault.
const (
	Answer      = front.Answer
	AnswerAfter = front.AnswerAfter
	DropBefore  = front.DropBefore
	DropAfter   = front.DropAfter
	Delay       = front.Delay
	Truncate    = front.Truncate
	Observe     = front.Observe
)

// Status is the fault that a status is answered and nothing happens.
func Status(code int) Fault { return front.Status(code) }

// StatusAfter is the fault that a status is answered although the request took effect.
func StatusAfter(code int) Fault { return front.StatusAfter(code) }

// LoadRules reads rules from YAML.
func LoadRules(r io.Reader) ([]Rule, error) { return front.LoadRules(r) }
