package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// works judges whether a command does what it is for, on a cloud that takes writes to images: its first example
// succeeds, changes something if the command says so, and can be run again when it was interrupted.
func (k *kit) works(c *pluginv1.Command) {
	var whole *attempt
	if !k.rule(c, "succeeds as in its first example", func() (err error) {
		whole, err = k.attempt(c)
		return err
	}) {
		return
	}
	if !k.rule(c, "changes something, as its manifest says", func() error {
		switch {
		case c.GetDanger() < pluginv1.Danger_DANGER_CHANGES:
			return errSkip("its manifest says that it only reads")
		case whole.requests == 0:
			return errSkip("it made no request with a token")
		case whole.Done().GetOutcome() == pluginv1.Outcome_OUTCOME_UNCHANGED:
			return errSkip("it says that there was nothing to change")
		case whole.writes == 0:
			return errors.New("it says that it has succeeded, and has written nothing")
		}
		return nil
	}) {
		return
	}
	k.rule(c, "after an interruption at its first write, running it again gives the same", func() error { return k.again(c, whole.state) })
}

// attempt is a run that nothing disturbed.
type attempt struct {
	*Recording
	requests, writes int
	state            string // of the cloud afterwards
}

// attempt runs the command's first example to its end.
func (k *kit) attempt(c *pluginv1.Command) (*attempt, error) {
	_, flags, shown := fromExample(c)
	_, requires := incomplete(c)
	switch {
	case !shown && requires:
		return nil, errSkip("it requires something, and has no example that needs no shell")
	case slices.Contains(c.GetNeeds(), pluginv1.Need_NEED_LONG_RUNNING):
		return nil, errSkip("it runs until it is interrupted")
	case slices.ContainsFunc(flags, func(v *pluginv1.FlagValue) bool {
		return v.GetIsSet() && find(c, v.GetName()).GetType() == pluginv1.FlagType_FLAG_TYPE_FILE
	}):
		return nil, errSkip("its example reads a file that the kit hasn't")
	}
	cloud := NewCloud()
	defer cloud.Close()
	cloud.Take()
	start := plausible(c, k.dir)
	r, err := k.on(cloud, start, c, accepting, whenLong)
	if err != nil {
		return nil, err
	}
	if r.Done().GetOutcome() == pluginv1.Outcome_OUTCOME_FAILED {
		return nil, k.unlessLacking(r, cloud)
	}
	return &attempt{r, cloud.Requests(), len(cloud.Writes()), cloud.State()}, nil
}

// elsewhere are the problems that come of what an example names, and the kit hasn't.
var elsewhere = []pluginv1.ProblemKind{
	pluginv1.ProblemKind_PROBLEM_KIND_NOT_FOUND, pluginv1.ProblemKind_PROBLEM_KIND_UNAVAILABLE, pluginv1.ProblemKind_PROBLEM_KIND_DRIFT,
	pluginv1.ProblemKind_PROBLEM_KIND_CANCELLED,
}

// unlessLacking is what is wrong with a command that failed, if it isn't the kit that lacks something.
func (k *kit) unlessLacking(r *Recording, cloud *Cloud) error {
	problem := r.Done().GetProblem()
	if lacks := cloud.Lacks(); len(lacks) > 0 {
		return errSkip("the kit's cloud has no " + lacks[0])
	}
	if slices.Contains(elsewhere, problem.GetKind()) || strings.Contains(problem.GetMessage(), k.dir) {
		return errSkip("what its example is about isn't there: " + ending(r))
	}
	return errors.New("it ended with " + ending(r))
}

// again interrupts the command at its first write, and runs it a second time.
func (k *kit) again(c *pluginv1.Command, want string) error {
	cloud := NewCloud()
	defer cloud.Close()
	cloud.Take()
	if _, err := k.on(cloud, plausible(c, k.dir), c, accepting, afterWrite); err != nil {
		return err
	}
	between := cloud.State()
	if between == want {
		return nil // it was done already
	}
	r, err := k.on(cloud, plausible(c, k.dir), c, accepting, whenLong)
	if err != nil {
		return err
	}
	if r.Done().GetOutcome() == pluginv1.Outcome_OUTCOME_FAILED {
		return fmt.Errorf("the second run ended with %s; the first one had left %s", ending(r), between)
	}
	if got := cloud.State(); got != want {
		return fmt.Errorf("there is %s; without the interruption, there is %s", got, want)
	}
	return nil
}
