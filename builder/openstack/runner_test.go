package openstack

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// fallingStep fails as often as it is told, and notes what happens to it.
type fallingStep struct {
	failures int
	events   *[]string
}

func (s *fallingStep) Run(_ context.Context, state multistep.StateBag) multistep.StepAction {
	*s.events = append(*s.events, "run")
	if s.failures--; s.failures >= 0 {
		return next(state, errors.New("it fell"))
	}
	return multistep.ActionContinue
}

func (s *fallingStep) Cleanup(multistep.StateBag) { *s.events = append(*s.events, "clean up") }

// cleanHook notes which provisioners run.
type cleanHook struct{ events *[]string }

func (h cleanHook) Run(_ context.Context, name string, _ packersdk.Ui, _ packersdk.Communicator, _ any) error {
	*h.events = append(*h.events, name)
	return nil
}

// typist types one line after the other.
type typist struct{ lines []string }

func (p *typist) ReadString() (string, error) {
	line := p.lines[0]
	p.lines = p.lines[1:]
	return line, nil
}

func (p *typist) Close() error { return nil }

func TestOnError(t *testing.T) {
	t.Parallel()
	const provision, cleanup = packersdk.HookProvision, packersdk.HookCleanupProvision
	for _, c := range []struct {
		name     string
		config   common.PackerConfig
		failures int
		input    string
		want     []string
		says     string
	}{
		{"cleans up by default", common.PackerConfig{}, 1, "", []string{provision, "run", "clean up", cleanup}, ""},
		{"cleans up", common.PackerConfig{PackerOnError: "cleanup"}, 1, "", []string{provision, "run", "clean up", cleanup}, ""},
		{"aborts", common.PackerConfig{PackerOnError: "abort"}, 1, "", []string{provision, "run"}, `step "fallingStep" is not cleaned up`},
		{
			"runs the clean-up provisioner alone",
			common.PackerConfig{PackerOnError: "run-cleanup-provisioner"},
			1, "",
			[]string{provision, "run", cleanup},
			"",
		},
		{
			"cleans up after success also when it would abort",
			common.PackerConfig{PackerOnError: "abort"},
			0, "",
			[]string{provision, "run", "clean up"},
			"",
		},
		{
			"asks, and cleans up",
			common.PackerConfig{PackerOnError: "ask"},
			1, "c\n",
			[]string{provision, "run", "clean up", cleanup},
			"it fell",
		},
		{"asks, and leaves everything", common.PackerConfig{PackerOnError: "ask"}, 1, "a\n", []string{provision, "run"}, "not cleaned up"},
		{"asks, and tries again", common.PackerConfig{PackerOnError: "ask"}, 1, "r\n", []string{provision, "run", "run", "clean up"}, ""},
		{
			"asks again after nonsense",
			common.PackerConfig{PackerOnError: "ask"},
			1, "x\nr\n",
			[]string{provision, "run", "run", "clean up"},
			"",
		},
		{
			"pauses to debug",
			common.PackerConfig{PackerDebug: true},
			0, "\n\n\n\n",
			[]string{provision, "run", "clean up"},
			`before cleaning up step "fallingStep"`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var events []string
			var out bytes.Buffer
			ui := &packersdk.BasicUi{Writer: &out, ErrorWriter: &out, TTY: &typist{strings.SplitAfter(c.input, "\n")}}
			state := new(multistep.BasicStateBag)
			state.Put("ui", ui)
			state.Put("hook", cleanHook{&events})

			newRunner([]multistep.Step{&stepProvision{}, &fallingStep{c.failures, &events}}, c.config, ui).Run(t.Context(), state)

			if !slices.Equal(events, c.want) {
				t.Errorf("events are %q, want %q", events, c.want)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("the user isn't told %q:\n%s", c.says, out.String())
			}
		})
	}
}
