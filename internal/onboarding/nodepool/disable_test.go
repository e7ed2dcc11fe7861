package nodepool_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
)

type quiet struct{}

func (quiet) Step(string, ...any)           {}
func (quiet) Warn(string, ...any)           {}
func (quiet) Progress(string, int64, int64) {}

// do makes and applies a plan.
func do(t *testing.T, path string, enable bool, o nodepool.Options) *nodepool.Plan {
	t.Helper()
	c := read(t, path)
	plan := c.Disable
	if enable {
		plan = c.Enable
	}
	p, err := plan(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(context.Background(), quiet{}); err != nil {
		t.Fatal(err)
	}
	return p
}

// changed are the lines that differ, as -old and +new.
func changed(before, after string) []string {
	var all []string
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	for len(old) > 0 || len(now) > 0 {
		switch {
		case len(old) > 0 && len(now) > 0 && old[0] == now[0]:
			old, now = old[1:], now[1:]
		case len(now) > len(old):
			all, now = append(all, "+"+now[0]), now[1:]
		case len(old) > len(now):
			all, old = append(all, "-"+old[0]), old[1:]
		default:
			all, old, now = append(all, "-"+old[0], "+"+now[0]), old[1:], now[1:]
		}
	}
	return all
}

func TestThreePoolsTwice(t *testing.T) {
	t.Parallel()
	path := copied(t)
	before := readText(t, path)
	o := nodepool.Options{Provider: "west"}
	if p := do(t, path, false, o); p.Done() || len(p.Rows()) != 3 {
		t.Errorf("the plan is %v", p.Rows())
	}
	off := readText(t, path)
	if diff := cmp.Diff([]string{
		"-        max-servers: 195 # of 200", "+        max-servers: 0 # of 200",
		"-        max-servers: 20", "+        max-servers: 0", "-        max-servers: 2", "+        max-servers: 0",
	}, changed(before, off)); diff != "" {
		t.Errorf("disabled, other lines differ:\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if p := do(t, path, false, o); !p.Done() || readText(t, path) != off {
		t.Error("disabled again, something changed")
	}
	if p := do(t, path, true, o); p.Done() || readText(t, path) != before {
		t.Errorf("enabled, the file differs: %s", cmp.Diff(before, readText(t, path)))
	}
	if p := do(t, path, true, o); !p.Done() || readText(t, path) != before {
		t.Error("enabled again, something changed")
	}
	if _, err := os.Stat(nodepool.RecordPath(path)); !os.IsNotExist(err) {
		t.Errorf("the record is left: %v", err)
	}
}

func TestDisableAndEnable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change []string
		o      nodepool.Options
		want   []string
	}{
		{
			"one of two providers that share", nil,
			nodepool.Options{Provider: "north-b"},
			[]string{"-        max-servers: 145", "+        max-servers: 0"},
		},
		{
			"one pool", nil,
			nodepool.Options{Provider: "west", Pools: []string{"gpu"}},
			[]string{"-        max-servers: 2", "+        max-servers: 0"},
		},
		{"no limit before", nil, nodepool.Options{Provider: "unlimited"}, []string{"+        max-servers: 0"}},
		{
			"braces",
			[]string{
				"      - name: gpu\n        max-servers: 2\n        labels:\n",
				"      - {name: gpu, max-servers: 2} # small\n" +
					"      - name: more\n        labels:\n",
			},
			nodepool.Options{Provider: "west", Pools: []string{"gpu"}},
			[]string{"-      - {name: gpu, max-servers: 2} # small", "+      - {name: gpu, max-servers: 0} # small"},
		},
		{
			"braces without a limit",
			[]string{
				"      - name: gpu\n        max-servers: 2\n        labels:\n",
				"      - {name: gpu, labels: []}\n" +
					"      - name: more\n        labels:\n",
			},
			nodepool.Options{Provider: "west", Pools: []string{"gpu"}},
			[]string{"-      - {name: gpu, labels: []}", "+      - {name: gpu, max-servers: 0, labels: []}"},
		},
		{
			"a limit through an alias",
			[]string{
				"boot-timeout: 120", "boot-timeout: &n 120", "max-servers: 145",
				"max-servers: *n # the same",
			},
			nodepool.Options{Provider: "north-b"},
			[]string{"-        max-servers: *n # the same", "+        max-servers: 0 # the same"},
		},
		{
			"a limit through a merge",
			[]string{
				"- name: main\n        max-servers: 140",
				"- &pool\n        name: main\n        max-servers: 140",
				"- name: main\n        max-servers: 145", "- <<: *pool\n        name: main # its own",
			},
			nodepool.Options{Provider: "north-b"},
			[]string{"+        max-servers: 0"},
		},
		{
			"a name with a comment",
			[]string{
				"- name: main\n        labels: []",
				"- name: 'main' # only\n        # none\n        labels: []",
			},
			nodepool.Options{Provider: "unlimited"},
			[]string{"+        max-servers: 0"},
		},
		{
			"letters before it",
			[]string{"# of 200", "# für 200", "west\n    cloud: west", "west # für\n    cloud: west"},
			nodepool.Options{Provider: "west", Pools: []string{"main"}},
			[]string{"-        max-servers: 195 # für 200", "+        max-servers: 0 # für 200"},
		},
		{
			"uploads, from an alias", nil,
			nodepool.Options{Provider: "north-b", PauseUploads: true},
			[]string{
				"+    diskimages: [",
				"+      {name: alpha-9, config-drive: true, pause: true},",
				"-    diskimages: *all_images",
				`+      {name: beta-12, config-drive: true, meta: {hw_firmware_type: uefi, os_command_line: "console=ttyAMA0"}, pause: true}]`,
				"-        max-servers: 145", "+        max-servers: 0",
			},
		},
		{
			"uploads", nil,
			nodepool.Options{Provider: "west", PauseUploads: true, Pools: []string{"gpu"}},
			[]string{
				"+        pause: true", "-        pause: false", "+        pause: true", "-        max-servers: 2",
				"+        max-servers: 0",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := copied(t, c.change...)
			before := readText(t, path)
			for range 2 {
				do(t, path, false, c.o)
			}
			if diff := cmp.Diff(c.want, changed(before, readText(t, path))); diff != "" {
				t.Errorf("other lines differ:\n%s", diff)
			}
			for range 2 {
				do(t, path, true, nodepool.Options{Provider: c.o.Provider, Pools: c.o.Pools})
				do(t, path, true, nodepool.Options{Provider: c.o.Provider})
			}
			if diff := cmp.Diff(before, readText(t, path)); diff != "" {
				t.Errorf("enabled, the file differs:\n%s", diff)
			}
		})
	}
}

func TestOtherTexts(t *testing.T) {
	t.Parallel()
	text := readText(t, launcher)
	for name, text := range map[string]string{
		"CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "a mark": "\uFEFF" + text, "no end": strings.TrimSuffix(text, "\n"),
		"no end after a name": "providers:\n- cloud: west\n  name: west\n  pools:\n  - name: main",
		"only flow":           "{providers: [{name: west, cloud: west, pools: [{name: main, max-servers: 3}]}]}",
		"other ends of lines": strings.Replace(text, "# Only", "# a\u2028 # b\u0085 # Only", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := saved(t, text)
			do(t, path, false, nodepool.Options{Provider: "west"})
			if readText(t, path) == text {
				t.Error("nothing changed")
			}
			do(t, path, true, nodepool.Options{Provider: "west"})
			if diff := cmp.Diff(text, readText(t, path)); diff != "" {
				t.Errorf("enabled, the file differs:\n%s", diff)
			}
		})
	}
}

func TestRefusesToReachFurther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		change   []string
		provider string
		pause    bool
		says     string
		kind     fault.Kind
	}{
		{"a list that others use", nil, "north-a", true, "/north-b/diskimages/alpha-9", fault.Conflict},
		{
			"a pool that others use",
			[]string{
				"- name: main\n        max-servers: 140",
				"- &pool\n        name: main\n        max-servers: 140",
				"- name: main\n        max-servers: 145\n        labels: *all_labels", "- *pool",
			},
			"north-b", false, "would reach", fault.Conflict,
		},
		{
			"an anchor at the number",
			[]string{"max-servers: 140", "max-servers: &n 140"},
			"north-a", false,
			"can't be edited", fault.Usage,
		},
		{"no number", []string{"max-servers: 140", "max-servers: many"}, "north-a", false, "launcher.yaml", fault.Usage},
		{"no such provider", nil, "nroth-a", false, `there is no provider "nroth-a"`, fault.NotFound},
		{"twice", []string{"name: north-b", "name: north-a"}, "north-a", false, "another provider", fault.Ambiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := copied(t, c.change...)
			before := readText(t, path)
			says := strings.ReplaceAll(c.says, "launcher.yaml", filepath.Base(path))
			_, err := read(t, path).Disable(nodepool.Options{Provider: c.provider, PauseUploads: c.pause})
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), says) {
				t.Errorf("error is %v (%s), want %q (%s)", err, fault.KindOf(err), says, c.kind)
			}
			if readText(t, path) != before {
				t.Error("the file was changed")
			}
		})
	}
}

func TestEnableByHand(t *testing.T) {
	t.Parallel()
	path := copied(t, "max-servers: 145", "max-servers: 0")
	c := read(t, path)
	if _, err := c.Enable(nodepool.Options{Provider: "north-b"}); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(),
		"max_servers") {
		t.Errorf("without a record: %v", err)
	}
	do(t, path, true, nodepool.Options{Provider: "north-b", Values: map[string]int{"main": 145}})
	if readText(t, path) != readText(t, launcher) {
		t.Error("it isn't enabled")
	}
	if _, err := c.Enable(nodepool.Options{Provider: "north-b", Values: map[string]int{"mian": 145}}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another pool: %v", err)
	}
	for text, same := range map[string]bool{"max-servers: 145": true, "max-servers: 100": false, "ignore-provider-quota: true": false} {
		c := read(t, copied(t, "max-servers: 145", text))
		p, err := c.Enable(nodepool.Options{Provider: "north-b", Values: map[string]int{"main": 145}})
		switch {
		case !same && (!fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), `pool "main" of provider "north-b" isn't disabled`)):
			t.Errorf("with %s: %v", text, err)
		case same && (err != nil || len(p.Changes) > 0):
			t.Errorf("with what it has: %v, %v", p, err)
		}
	}
}

func TestWhatSomebodyChangedStays(t *testing.T) {
	t.Parallel()
	path := copied(t)
	do(t, path, false, nodepool.Options{Provider: "west", Reason: "maintenance", Until: time.Now().Add(time.Hour)})
	text := strings.Replace(readText(t, path), "max-servers: 0 # of 200", "max-servers: 50 # of 200", 1)
	text = "# somebody's\n" + text
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := do(t, path, true, nodepool.Options{Provider: "west"})
	if len(p.Notes()) != 1 || !strings.Contains(p.Notes()[0].String(), "max-servers of pool main stays as it is") {
		t.Errorf("notes are %v", p.Notes())
	}
	want := "# somebody's\n" + strings.Replace(readText(t, launcher), "max-servers: 195", "max-servers: 50", 1)
	if diff := cmp.Diff(want, readText(t, path)); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatChangesMeanwhileIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := copied(t)
	p, err := read(t, path).Disable(nodepool.Options{Provider: "west"})
	if err != nil {
		t.Fatal(err)
	}
	text := readText(t, path) + "# more\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), quiet{}); !fault.Is(err, fault.Conflict) || readText(t, path) != text {
		t.Errorf("%v", err)
	}
	// The record that was written before doesn't mislead the next run.
	do(t, path, false, nodepool.Options{Provider: "west"})
	do(t, path, true, nodepool.Options{Provider: "west"})
	if readText(t, path) != text {
		t.Error("the file differs")
	}
}

func TestARunThatDiedHalfway(t *testing.T) {
	t.Parallel()
	path := copied(t)
	before := readText(t, path)
	do(t, path, false, nodepool.Options{Provider: "west"})
	record := readText(t, nodepool.RecordPath(path))
	do(t, path, true, nodepool.Options{Provider: "west"})
	// Enabling writes the file first: the record may be left.
	if err := os.WriteFile(nodepool.RecordPath(path), []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := do(t, path, true, nodepool.Options{Provider: "west"}); !p.Done() || readText(t, path) != before {
		t.Error("enabled again after a crash, something changed")
	}
	if _, err := os.Stat(nodepool.RecordPath(path)); !os.IsNotExist(err) {
		t.Errorf("the record is left: %v", err)
	}
	// Disabling writes the record first: the file may be as it was, and change before the next run.
	if err := os.WriteFile(nodepool.RecordPath(path), []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(before, "max-servers: 195", "max-servers: 190", 1)
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, path, false, nodepool.Options{Provider: "west"})
	do(t, path, true, nodepool.Options{Provider: "west"})
	if readText(t, path) != changed {
		t.Error("disabled after a crash and enabled, the file differs")
	}
}

func TestARecordThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	path := copied(t)
	before := readText(t, path)
	p, err := read(t, path).Disable(nodepool.Options{Provider: "west", Record: filepath.Join(filepath.Dir(path), "none", "record.json")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), quiet{}); err == nil || readText(t, path) != before {
		t.Errorf("error %v; the file is changed: %t", err, readText(t, path) != before)
	}
	for _, bad := range []string{"", "{", `{"version": 7}`, `{"version": 1, "more": 2}`} {
		if err := os.WriteFile(nodepool.RecordPath(path), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, path).Enable(nodepool.Options{Provider: "west"}); !fault.Is(err, fault.Usage) {
			t.Errorf("a record of %q: %v", bad, err)
		}
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	path := copied(t)
	until := time.Now().Add(time.Hour)
	do(t, path, false, nodepool.Options{Provider: "west", Until: until})
	r, err := nodepool.ReadRecord(nodepool.RecordPath(path))
	if err != nil {
		t.Fatal(err)
	}
	c := read(t, path)
	if early := c.Overdue(r, until.Add(-time.Minute)); len(early) > 0 {
		t.Errorf("early: %+v", early)
	}
	if late := c.Overdue(r, until.Add(time.Minute)); len(late) != 1 || late[0].Severity != nodepool.Warning {
		t.Errorf("late: %+v", late)
	}
}

func TestAPatchThatEnablesKeepsTheRecord(t *testing.T) {
	t.Parallel()
	path := copied(t)
	before := readText(t, path)
	do(t, path, false, nodepool.Options{Provider: "west"})
	do(t, path, true, nodepool.Options{Provider: "west", Patches: t.TempDir()})
	do(t, path, true, nodepool.Options{Provider: "west"})
	if readText(t, path) != before {
		t.Error("the values were lost")
	}
}

// As long as the patch that disables a provider hasn't been applied, enabling it has nothing to do, and forgets nothing.
func TestEnablingBeforeThePatchIsAppliedKeepsTheRecord(t *testing.T) {
	t.Parallel()
	path := copied(t)
	before := readText(t, path)
	do(t, path, false, nodepool.Options{Provider: "west", Patches: t.TempDir()})
	if p := do(t, path, true, nodepool.Options{Provider: "west"}); len(p.Rows()) > 0 || readText(t, path) != before {
		t.Errorf("the plan is %v", p.Rows())
	}
	off := regexp.MustCompile(`max-servers: (195|20|2)\b`).ReplaceAllString(before, "max-servers: 0") // as git am does
	if err := os.WriteFile(path, []byte(off), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, path, true, nodepool.Options{Provider: "west"})
	if diff := cmp.Diff(before, readText(t, path)); diff != "" {
		t.Errorf("enabled, the file differs:\n%s", diff)
	}
}

// What was said of an outage doesn't hold for the next one, even if the first one ended by a patch.
func TestTheNextOutageHasItsOwnEnd(t *testing.T) {
	t.Parallel()
	path := copied(t)
	before := readText(t, path)
	do(t, path, false, nodepool.Options{Provider: "west", Until: time.Now().Add(time.Hour), Reason: "a fire"})
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil { // as the revert does
		t.Fatal(err)
	}
	do(t, path, false, nodepool.Options{Provider: "west"})
	r, err := nodepool.ReadRecord(nodepool.RecordPath(path))
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Providers["west"]; !d.Until.IsZero() || d.Reason != "" || len(d.Values) != 3 {
		t.Errorf("the record is %+v", d)
	}
}

// What a pool had that isn't there any more isn't forgotten.
func TestAPoolThatIsGoneStaysInTheRecord(t *testing.T) {
	t.Parallel()
	path := copied(t)
	do(t, path, false, nodepool.Options{Provider: "west"})
	text := readText(t, path)
	gone := strings.Replace(text, "- name: specific\n", "- name: renamed\n", 1)
	if err := os.WriteFile(path, []byte(gone), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, path, true, nodepool.Options{Provider: "west"})
	r, err := nodepool.ReadRecord(nodepool.RecordPath(path))
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Providers["west"]; len(d.Values) != 1 {
		t.Errorf("the record is %+v", d)
	}
}

// North-b shares north-a's list. In whatever order their uploads are paused and resumed, each is paused as long as it
// is disabled, and in the end the file is as it was.
func TestSharedListsInAnyOrder(t *testing.T) {
	t.Parallel()
	paused := func(path, provider string) bool {
		text := readText(t, path)
		_, own, _ := strings.Cut(text, "- name: "+provider+"\n")
		own, _, _ = strings.Cut(own, "    pools:")
		if provider == "north-b" && strings.Contains(own, "*all_images") {
			_, own, _ = strings.Cut(text, "&all_images")
			own, _, _ = strings.Cut(own, "    pools:")
		}
		return strings.Contains(own, "pause: true")
	}
	for _, order := range []string{"b+ a+ b- a- b-", "b+ a+ a- b-", "b+ a+ b- b+ a- b-", "b+ a+ b- b- b+ b- a- b-"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			path := copied(t)
			before := readText(t, path)
			disabled := map[string]bool{}
			for step := range strings.FieldsSeq(order) {
				provider, off := "north-"+step[:1], step[1:] == "+"
				do(t, path, !off, nodepool.Options{Provider: provider, PauseUploads: off})
				disabled[provider] = off
				for _, p := range []string{"north-a", "north-b"} {
					if paused(path, p) != disabled[p] {
						t.Errorf("after %s, %s is paused: %t", step, p, !disabled[p])
					}
				}
			}
			if diff := cmp.Diff(before, readText(t, path)); diff != "" {
				t.Errorf("enabled, the file differs:\n%s", diff)
			}
			if _, err := os.Stat(nodepool.RecordPath(path)); !os.IsNotExist(err) {
				t.Errorf("a record is left: %v", err)
			}
		})
	}
}

// Of many runs at once, no change is lost, neither in the file nor in the record.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	path := copied(t)
	before := readText(t, path)
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	providers := []string{"north-a", "north-b", "west", "unlimited"}
	for _, enable := range []bool{false, true} {
		var all sync.WaitGroup
		for n, provider := range providers {
			all.Go(func() {
				by := []string{path, link}[n%2]
				release, err := nodepool.Hold(t.Context(), by, "")
				if err != nil {
					t.Error(err)
					return
				}
				defer release()
				do(t, by, enable, nodepool.Options{Provider: provider})
			})
		}
		all.Wait()
		if off := strings.Count(readText(t, path), "max-servers: 0"); !enable && off != 6 {
			t.Errorf("%d pools of 6 are disabled", off)
		}
	}
	if diff := cmp.Diff(before, readText(t, path)); diff != "" {
		t.Errorf("enabled, the file differs:\n%s", diff)
	}
}
