package sdk_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

func TestValuesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	r := run(t, conformance.Host{}, command("trial values"))
	want := [][]any{
		{nil},
		{"text"},
		{"bad \uFFFD byte"},
		{true},
		{7.0},
		{"1152921504606846976"},
		{1.5},
		{90.0},
		{"2026-01-31T12:00:00Z"},
		{[]any{"a", "b"}},
		{map[string]any{"n": 1.0}},
		{map[string]any{"id": "x", "big": "1152921504606846976"}},
		{"[redacted]"},
		{"EOF"},
		{3.0},
	}
	if diff := cmp.Diff(want, r.Rows()); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
	if r.Done().GetOutcome() != pluginv1.Outcome_OUTCOME_SUCCEEDED || r.Err != nil {
		t.Errorf("it ended with %v, %v", r.Done(), r.Err)
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, self(t))
	m, err := p.Client.Describe(t.Context(), &pluginv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]*pluginv1.Flag{}
	for _, f := range manifest.Find(m, []string{"trial", "inputs"}).GetFlags() {
		declared[f.GetName()] = f
	}
	given := command("trial inputs", "a", "b", "c")
	for name, texts := range map[string][]string{
		"text": {"t"}, "on": {"true"}, "count": {"5"}, "ratio": {"0.25"}, "age": {"7d"}, "size": {"10M"}, "pick": {"two"},
		"tags": {"x,y", "z"}, "property": {"k=v", "a=b=c"}, "file": {"f.yaml"}, "since": {"2026-01-31T12:00:00Z"}, "key": {"canary"},
	} {
		v, err := manifest.Parse(declared[name], texts)
		if err != nil {
			t.Fatal(err)
		}
		given.Flags = append(given.Flags, v)
	}
	for name, c := range map[string]struct {
		start *pluginv1.Start
		want  map[string]any
	}{
		"defaults": {command("trial inputs", "a"), map[string]any{
			"args": []any{"a"}, "text": "none", "set": false, "on": false, "count": 3.0, "ratio": 0.5, "age": 129600.0,
			"size": float64(1 << 30), "pick": "one", "tags": []any{}, "property": map[string]any{}, "file": "", "since": nil,
			"key": "[redacted]",
		}},
		"given": {given, map[string]any{
			"args": []any{"a", "b", "c"}, "text": "t", "set": true, "on": true, "count": 5.0, "ratio": 0.25, "age": 604800.0,
			"size": float64(10 << 20), "pick": "two", "tags": []any{"x", "y", "z"}, "property": map[string]any{"k": "v", "a": "b=c"},
			"file": "/srv/images/f.yaml", "since": "2026-01-31T12:00:00Z", "key": "[redacted]",
		}},
	} {
		command, err := p.Run(t.Context(), c.start, conformance.Host{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, fields(command.Wait())); diff != "" {
			t.Errorf("%s differ (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatMakesNoSenseIsUsage(t *testing.T) {
	t.Parallel()
	unknown := command("trial required")
	unknown.Flags = []*pluginv1.FlagValue{{Name: "nothing"}}
	number := command("trial rows")
	number.Flags = []*pluginv1.FlagValue{{Name: "count", Value: &pluginv1.FlagValue_StringValue{StringValue: "1"}}}
	for name, start := range map[string]*pluginv1.Start{
		`has no command "trial nothing"`: command("trial nothing"),
		"needs --name":                   command("trial required"),
		"has no flag --nothing":          unknown,
		"needs FIRST":                    command("trial inputs"),
		`takes no argument "b"`:          command("trial fail", "a", "b"),
		"isn't FLAG_TYPE_INT":            number,
	} {
		r := run(t, conformance.Host{}, start)
		if r.Kind() != sdk.Usage || !strings.Contains(r.Done().GetProblem().GetMessage(), name) {
			t.Errorf("%v ended with %v, want a usage problem that says %q", start.GetPath(), r.Done(), name)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, self(t))
	for how, want := range map[string]string{
		"panic": "trial fail: the plugin failed: trial", "undeclared": `declares no flag "nothing"`, "type": `flag "on" is`,
		"row": "a row has 1 values for 0 columns", "value": `field "f"`, "problem": "sharing: unexpected EOF",
	} {
		c, err := p.Run(t.Context(), command("trial fail", how), conformance.Host{})
		if err != nil {
			t.Fatal(err)
		}
		problem := c.Wait().Done().GetProblem()
		if !strings.Contains(problem.GetMessage(), want) {
			t.Errorf("%s ended with %v, want %q", how, problem, want)
		}
		if how != "problem" {
			if problem.GetKind() != sdk.Internal {
				t.Errorf("%s is %v, not internal", how, problem.GetKind())
			}
			continue
		}
		if problem.GetKind() != sdk.Quota || problem.GetHint() != "remove some" || !problem.GetRetryable() ||
			problem.GetRequestIds()[0] != "req-1" || problem.GetDetails()[0].GetSubject() != "web" {
			t.Errorf("the problem arrived as %v", problem)
		}
	}
	if r := run(t, conformance.Host{}, command("trial fail", "unchanged")); r.Done().GetOutcome() != pluginv1.Outcome_OUTCOME_UNCHANGED {
		t.Errorf("nothing to do ended with %v", r.Done())
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cleaned")
	for name, c := range map[string]struct {
		args   []string
		within time.Duration
	}{"cleans up": {[]string{file}, time.Minute}, "until the deadline": {nil, 50 * time.Millisecond}} {
		waiting := make(chan struct{}, 2)
		p := plugintest.Start(t, self(t))
		command, err := p.Run(t.Context(), command("trial wait", c.args...),
			conformance.Host{See: func(*pluginv1.PluginMessage) { waiting <- struct{}{} }})
		if err != nil {
			t.Fatal(err)
		}
		<-waiting
		if err := command.Interrupt(c.within); err != nil {
			t.Fatal(err)
		}
		r := command.Wait()
		if r.Kind() != sdk.Cancelled {
			t.Errorf("%s: it ended with %v", name, r.Done())
		}
		if c.args == nil && !strings.Contains(texts(r), "the time for clean-up is over") {
			t.Errorf("%s: it said %q", name, texts(r))
		}
	}
	if text, err := os.ReadFile(file); string(text) != "clean" {
		t.Errorf("the clean-up didn't finish: %q, %v", text, err)
	}
}

func TestTheEndOfTheHostLeavesTimeToCleanUp(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cleaned")
	p := plugintest.Start(t, self(t))
	waiting := make(chan struct{}, 1)
	if _, err := p.Run(t.Context(), command("trial wait", file),
		conformance.Host{See: func(*pluginv1.PluginMessage) { waiting <- struct{}{} }}); err != nil {
		t.Fatal(err)
	}
	<-waiting
	p.Abandon()
	if left := p.Left(t.Context(), 2*time.Minute); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if text, err := os.ReadFile(file); string(text) != "clean" {
		t.Errorf("the clean-up didn't finish: %q, %v", text, err)
	}
}

func TestAnIdlePluginEndsWithItsHost(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, self(t))
	p.Abandon()
	if left := p.Left(t.Context(), 2*time.Minute); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	answers := map[pluginv1.PromptKind]string{
		pluginv1.PromptKind_PROMPT_KIND_TEXT: "db", pluginv1.PromptKind_PROMPT_KIND_SECRET: "pw",
		pluginv1.PromptKind_PROMPT_KIND_CHOICE: "b",
	}
	r := run(t, conformance.Host{Prompt: func(p *pluginv1.Prompt) *pluginv1.Answer {
		return &pluginv1.Answer{Accepted: true, Text: answers[p.GetKind()]}
	}}, command("trial ask"))
	if texts(r) != "db pw b" {
		t.Errorf("the answers arrived as %q, %v", texts(r), r.Done())
	}
	for kind, interactive := range map[pluginv1.ProblemKind]bool{sdk.Cancelled: true, sdk.Usage: false} {
		start := command("trial ask")
		start.Interactive = interactive
		if r := run(t, conformance.Host{}, start); r.Kind() != kind {
			t.Errorf("declined with interactive %v is %v", interactive, r.Done())
		}
	}
}

func TestStandardInputAndOutput(t *testing.T) {
	t.Parallel()
	data := make([]byte, 3<<20)
	_, _ = rand.Read(data)
	r := run(t, conformance.Host{Stdin: bytes.NewReader(data)}, command("trial copy"))
	var out, err bytes.Buffer
	for _, m := range r.Messages {
		switch m.GetChunk().GetStream() {
		case pluginv1.Stream_STREAM_STDOUT:
			out.Write(m.GetChunk().GetData())
		case pluginv1.Stream_STREAM_STDERR:
			err.Write(m.GetChunk().GetData())
		}
	}
	if !bytes.Equal(out.Bytes(), data) || err.String() != "copied" || r.Done().GetExitCode() != 7 {
		t.Errorf("%d of %d bytes came back, with %q and %v", out.Len(), len(data), err.String(), r.Done())
	}
}

func TestProgressIsThrottledAndEnds(t *testing.T) {
	t.Parallel()
	r := run(t, conformance.Host{}, command("trial progress"))
	most := 3 + int(r.At[len(r.At)-1].Sub(r.Started)/(100*time.Millisecond))
	last := map[string]*pluginv1.Progress{}
	count := map[string]int{}
	for _, m := range r.Messages {
		if p := m.GetProgress(); p != nil {
			last[p.GetLabel()] = p
			count[p.GetLabel()]++
		}
	}
	if up := last["upload"]; up.GetDone() != 100_000 || up.GetState() != pluginv1.ProgressState_PROGRESS_STATE_DONE ||
		count["upload"] > most {
		t.Errorf("upload ends with %v after %d messages", up, count["upload"])
	}
	if part := last["part"]; part.GetParent() != last["upload"].GetId() ||
		part.GetState() != pluginv1.ProgressState_PROGRESS_STATE_SKIPPED {
		t.Errorf("its part ends with %v", part)
	}
}

func TestNoiseDisturbsNothing(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, self(t))
	c, err := p.Run(t.Context(), command("trial noise"), conformance.Host{})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Wait()
	if len(r.Rows()) != 1 || r.Kind() != 0 {
		t.Errorf("%d rows and %v came", len(r.Rows()), r.Done())
	}
	var logs []string
	for _, m := range r.Messages {
		if l := m.GetLog(); l != nil {
			logs = append(logs, l.GetMessage())
			for _, a := range l.GetAttributes() {
				logs = append(logs, a.GetKey()+"="+a.GetValue().GetStringValue())
			}
		}
	}
	p.Kill()
	if !strings.Contains(p.Stderr(), "ooo") {
		t.Error("what it printed to standard output isn't on its standard error")
	}
	if got := strings.Join(logs, " "); got != "logged with= g.token=[redacted] g.err=EOF" {
		t.Errorf("the log is %q", got)
	}
}

func TestClouds(t *testing.T) {
	t.Parallel()
	tokens := 0
	r := run(t, conformance.Host{Cloud: func(c *pluginv1.CloudRequest) (*pluginv1.CloudAccess, error) {
		if c.GetName() != "" {
			return nil, sdk.Fail(sdk.NotFound, "", "no such cloud")
		}
		if c.GetRefresh() != (tokens > 0) {
			t.Errorf("request %d has refresh %v", tokens, c.GetRefresh())
		}
		tokens++
		return &pluginv1.CloudAccess{Token: strings.Repeat("t", tokens)}, nil
	}}, command("trial clouds"))
	got := fields(r)
	if got["token"] != "[redacted]" || got["hash"] != "dA==" || got["renewed"] != "dHQ=" || tokens != 2 {
		t.Errorf("%d tokens were asked for; fields are %v", tokens, got)
	}
	if message := r.Done().GetProblem().GetMessage(); message != `getting access to cloud "missing": no such cloud` {
		t.Errorf("a missing cloud is %q", message)
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	reply, err := plugintest.Start(t, self(t)).Client.Complete(t.Context(), &pluginv1.CompleteRequest{
		Path: []string{"trial", "clouds"}, Target: &pluginv1.CompleteRequest_Flag{Flag: "to"}, Prefix: "to-",
		Clouds: []*pluginv1.CloudAccess{{Name: "dev"}},
	})
	if err != nil || len(reply.GetSuggestions()) != 1 || reply.GetSuggestions()[0].GetValue() != "to-dev" {
		t.Errorf("the suggestions are %v, %v", reply, err)
	}
}

func TestRunByHand(t *testing.T) {
	t.Parallel()
	for args, c := range map[string]struct {
		status int
		says   string
	}{"x": {1, "run it through imgctl"}, "-manifest": {0, `"name":"trial"`}} {
		hand := exec.Command(self(t))
		hand.Env = append(os.Environ(), "SDK_BY_HAND="+args)
		out, _ := hand.CombinedOutput()
		squeezed := strings.NewReplacer(`": "`, `":"`, `":  "`, `":"`).Replace(string(out))
		if hand.ProcessState.ExitCode() != c.status || !strings.Contains(squeezed, c.says) {
			t.Errorf("%s ends with %d and says\n%s", args, hand.ProcessState.ExitCode(), out)
		}
	}
}
