package nodepool_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
)

func TestMerges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change []string
		from   string
		want   []string
	}{
		{"nothing new", nil, "labels: [{name: alpha-9, min-ready: 1}]", nil},
		{
			"a new provider, a new label, a new diskimage", nil,
			"labels:\n- name: gamma\n  min-ready: 0\nproviders:\n- name: donor\n  cloud: donor\n  diskimages:\n  - name: gamma\n  " +
				"pools:\n" +
				"  - name: main\n    max-servers: 98  # limited by instances: 100 free\n    labels:\n    - name: gamma\n      diskimage: " +
				"gamma\n" +
				"      flavor-name: x\ndiskimages:\n- name: gamma\n",
			[]string{
				"+  - name: gamma", "+    min-ready: 0", "+  - name: donor", "+    cloud: donor", "+    diskimages:", "+    - name: gamma",
				"+    pools:", "+    - name: main", "+      max-servers: 98  # limited by instances: 100 free", "+      labels:",
				"+      - name: gamma", "+        diskimage: gamma", "+        flavor-name: x", "+  - name: gamma",
			},
		},
		{
			"other values", nil,
			"providers:\n- name: west\n  cloud: west\n  rate: 0.5\n  pools:\n  - name: main\n    max-servers: 90\n  - name: gpu\n    " +
				"priority: 5\n",
			[]string{
				"-        max-servers: 195 # of 200", "+        max-servers: 90 # of 200", "+        priority: 5", "+    rate: 0.5",
			},
		},
		{
			"a new reason",
			[]string{"max-servers: 195 # of 200", "max-servers: 195  # limited by cores"},
			"providers:\n- name: west\n  cloud: west\n  pools:\n  - name: main\n    max-servers: 90  # limited by instances: 100 free\n",
			[]string{"-        max-servers: 195  # limited by cores", "+        max-servers: 90  # limited by instances: 100 free"},
		},
		{
			"a disabled pool",
			[]string{"max-servers: 195 # of 200", "max-servers: 0"},
			"providers:\n- name: west\n  cloud: west\n  pools:\n  - name: main\n    max-servers: 90\n", nil,
		},
		{
			"texts of a list", nil, "providers:\n- name: west\n  cloud: west\n  pools:\n  - name: main\n    networks: \n    - " +
				"ci-network\n    - other\n",
			[]string{"+          - other"},
		},
		{
			"before a comment", nil, "diskimages:\n- name: base\n  abstract: true\n  env-vars:\n    MORE: a\n",
			[]string{"+      MORE: a"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := copied(t, c.change...)
			before := readText(t, path)
			from, err := nodepool.Parse("more.yaml", []byte(c.from))
			if err != nil {
				t.Fatal(err)
			}
			for n := range 2 {
				p, err := read(t, path).Merge(from)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Apply(t.Context(), quiet{}); err != nil {
					t.Fatal(err)
				}
				if n == 1 && !p.Done() {
					t.Errorf("merged again, it changes %v", p.Rows())
				}
				if d := cmp.Diff(c.want, inserted(before, readText(t, path))); d != "" {
					t.Errorf("other lines differ:\n%s", d)
				}
			}
		})
	}
}

// inserted are the lines that a diff shows.
func inserted(before, after string) (all []string) {
	for line := range strings.SplitSeq(string(diff.Diff("a", []byte(before), "b", []byte(after))), "\n") {
		if line != "" && strings.ContainsRune("+-", rune(line[0])) && !strings.HasPrefix(line, "+++ ") && !strings.HasPrefix(line, "--- ") {
			all = append(all, line)
		}
	}
	return all
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from, says string
		kind             fault.Kind
	}{
		{
			"a label in a list that others share",
			"labels:\n- name: alpha-9\nproviders:\n- name: north-b\n  cloud: north\n  pools:\n  - name: main\n    labels:\n    - name: " +
				"beta-12\n" +
				"      min-ram: 16000\n      diskimage: beta-12\n  diskimages:\n  - name: beta-12\ndiskimages:\n- name: " +
				"beta-12\nlabels:\n- name: beta-12\n",
			`"labels" is given more than once`, fault.Usage,
		},
		{
			"a value that others share",
			"providers:\n- name: north-b\n  cloud: north\n  pools:\n  - name: main\n    labels:\n    - name: beta-12\n" +
				"      min-ram: 16000\n      diskimage: beta-12\n  diskimages:\n  - name: beta-12\ndiskimages:\n- name: " +
				"beta-12\nlabels:\n- name: beta-12\n",
			"would reach /providers/north-a", fault.Conflict,
		},
		{"braces", "labels: [{name: x}]", "without brackets", fault.Usage},
		{"another kind", "images-dir: 3\n", "put 3 in quotes", fault.Usage},
		{"an unknown key", "images: []\n", `"images" is unknown here`, fault.Usage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := copied(t)
			from, err := nodepool.Parse("more.yaml", []byte(c.from))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := read(t, path).Merge(from); !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v (%s), want %q (%s)", err, fault.KindOf(err), c.says, c.kind)
			}
		})
	}
}

// FuzzMerge merges any configuration into any other: the result says both, or there is an error.
func FuzzMerge(f *testing.F) {
	f.Add("labels:\n- name: a\n", "labels:\n  - name: b\n    min-ready: 3\n")
	f.Add("providers:\n- {name: a, cloud: b}\n", "providers:\n- name: a\n  cloud: c\n  rate: 1\n")
	f.Add("labels: []\n# end", "labels:\n- name: b # x\n")
	f.Add("labels:\n- name: a", "diskimages:\r\n- name: b\r\n  env-vars:\r\n    A: |\r\n      x\r\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		into, err := nodepool.Parse("a.yaml", []byte(a))
		if err != nil {
			return
		}
		from, err := nodepool.Parse("b.yaml", []byte(b))
		if err != nil {
			return
		}
		p, err := into.Merge(from)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("merging: %v", err)
			}
			return
		}
		after, err := nodepool.Parse("a.yaml", p.After())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := after.Merge(from); err != nil || !again.Done() {
			t.Errorf("merging again: %v\n%q", err, p.After())
		}
	})
}
