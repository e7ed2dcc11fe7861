package openstack

import (
	"context"
	"fmt"
	"log"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// What -on-error can be, besides cleaning up.
const (
	onErrorAbort            = "abort"
	onErrorAsk              = "ask"
	onErrorCleanProvisioner = "run-cleanup-provisioner"
)

// newRunner runs the steps according to -on-error and -debug. The SDK's own runner is in a package that
// imports the clients of two other clouds: it makes the plugin half again as large and doubles its start-up
// time, and Packer starts it several times for each command.
func newRunner(steps []multistep.Step, c common.PackerConfig, ui packersdk.Ui) multistep.Runner {
	for n, s := range steps {
		switch c.PackerOnError {
		case onErrorAbort, onErrorCleanProvisioner:
			steps[n] = &abortStep{Step: s, ui: ui, keepProvisioner: c.PackerOnError == onErrorCleanProvisioner}
		case onErrorAsk:
			steps[n] = &askStep{Step: s, ui: ui}
		}
	}
	if c.PackerDebug {
		return &multistep.DebugRunner{Steps: steps, PauseFn: func(at multistep.DebugLocation, name string, state multistep.StateBag) {
			when := "after"
			if at == multistep.DebugLocationBeforeCleanup {
				when = "before cleaning up"
			}
			answer(ui, state, fmt.Sprintf("Pausing %s step %q. Press enter to continue.", when, name))
		}}
	}
	return &multistep.BasicRunner{Steps: steps}
}

// answer asks the user, and stops asking when the build is cancelled.
func answer(ui packersdk.Ui, state multistep.StateBag, question string) (line string, ok bool) {
	lines := make(chan string, 1)
	go func() {
		line, err := ui.Ask(question)
		if err != nil {
			log.Printf("[WARN] asking %q: %s", question, err)
		}
		lines <- line
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case line := <-lines:
			return line, true
		case <-tick.C:
			if cancelled(state) {
				return "", false
			}
		}
	}
}

func cancelled(state multistep.StateBag) bool {
	_, yes := state.GetOk(multistep.StateCancelled)
	return yes
}

// failed reports whether the build is ending without success.
func failed(state multistep.StateBag) bool {
	_, halted := state.GetOk(multistep.StateHalted)
	return halted || cancelled(state)
}

// abortStep leaves everything as it is when the build fails.
type abortStep struct {
	multistep.Step
	ui              packersdk.Ui
	keepProvisioner bool
}

// InnerStepName is the name that -debug shows.
func (s *abortStep) InnerStepName() string { return stepName(s.Step) }

func (s *abortStep) Cleanup(state multistep.StateBag) {
	_, provision := s.Step.(*stepProvision)
	if failed(state) && (!provision || !s.keepProvisioner) {
		s.ui.Error(fmt.Sprintf("aborted: step %q is not cleaned up", s.InnerStepName()))
		return
	}
	s.Step.Cleanup(state)
}

// askStep asks what to do when the step fails.
type askStep struct {
	multistep.Step
	ui packersdk.Ui
}

// abortedKey in the state says that the user wants everything left as it is.
const abortedKey = "aborted"

// InnerStepName is the name that -debug shows.
func (s *askStep) InnerStepName() string { return stepName(s.Step) }

func (s *askStep) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	for {
		action := s.Step.Run(ctx, state)
		if action != multistep.ActionHalt || cancelled(state) {
			return action
		}
		s.ui.Error(fmt.Sprintf("Step %q failed: %v", s.InnerStepName(), state.Get("error")))
		for again := true; again; {
			again = false
			line, ok := answer(s.ui, state, "[c] clean up and end, [a] end and leave everything, [r] run the step again?")
			switch first := strings.ToLower(line + "c")[0]; {
			case !ok || first == 'c':
				return action
			case first == 'a':
				state.Put(abortedKey, true)
				return action
			case first == 'r':
				state.Remove("error")
			default:
				again = true
			}
		}
	}
}

func (s *askStep) Cleanup(state multistep.StateBag) {
	if _, aborted := state.GetOk(abortedKey); aborted {
		s.ui.Error(fmt.Sprintf("aborted: step %q is not cleaned up", s.InnerStepName()))
		return
	}
	s.Step.Cleanup(state)
}

func stepName(s multistep.Step) string { return reflect.Indirect(reflect.ValueOf(s)).Type().Name() }
