package foreignfile_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// menu is what the tests' files say.
type menu struct {
	Name   string
	Dishes []dish
	Guests []string
	Open   bool
	Keep   quantity.Span
	Until  time.Time
	Size   int64
	Stars  int
}

type dish struct {
	Name, Kind string
	With       map[string]string
}

func read(text string) (menu, error) {
	var m menu
	top, err := foreignfile.Parse([]byte(text), "name:")
	if err != nil {
		return m, err
	}
	err = top.Map(foreignfile.Keys{
		"name": foreignfile.Text(&m.Name), "guests": foreignfile.Texts(&m.Guests), "open": foreignfile.Bool(&m.Open),
		"keep": foreignfile.Span(&m.Keep), "until": foreignfile.Time(&m.Until), "size": foreignfile.Bytes(&m.Size),
		"stars": foreignfile.Int(&m.Stars, 1),
		"dishes": foreignfile.Some(func(n *foreignfile.Node) error {
			var d dish
			err := n.Map(foreignfile.Keys{
				"name": foreignfile.Text(&d.Name), "kind": foreignfile.OneOf(&d.Kind, "starter", "main"),
				"with": foreignfile.TextMap(&d.With),
			}, "name")
			m.Dishes = append(m.Dishes, d)
			return err
		}),
	}, "name")
	return m, err
}

func TestReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       menu
	}{
		{
			"all of it", "name: 0123\ndishes: [{name: soup, kind: starter, with: {bread: \"1\"}}]\nguests: []\nopen: true\nkeep: " +
				"12mo1d\nuntil: 2027-01-31T00:00:00+01:00\nsize: 4GiB\nstars: 3\n",
			menu{
				Name: "0123", Dishes: []dish{{"soup", "starter", map[string]string{"bread": "1"}}}, Open: true,
				Keep: quantity.Span{Months: 12, Rest: 24 * time.Hour}, Until: time.Date(2027, 1, 30, 23, 0, 0, 0, time.UTC), Size: 4 << 30,
				Stars: 3,
			},
		},
		{"JSON", `{"name": "a", "guests": ["b", "c"]}`, menu{Name: "a", Guests: []string{"b", "c"}}},
		{"an alias", "name: a\nx-all: &all [b, c]\nguests: *all", menu{Name: "a", Guests: []string{"b", "c"}}},
		{
			"a merge key", "name: a\nx-soup: &soup {name: soup, kind: starter}\ndishes:\n- <<: *soup\n  name: broth\n- *soup",
			menu{Name: "a", Dishes: []dish{{"broth", "starter", nil}, {"soup", "starter", nil}}},
		},
		{
			"several merged, of which the first counts",
			"name: a\nx-a: &a {name: a}\nx-b: &b {name: b, kind: main}\ndishes:\n- <<: [*a, *b]",
			menu{Name: "a", Dishes: []dish{{"a", "main", nil}}},
		},
		{
			"a merge within a merge", "name: a\nx-a: &a {name: a}\nx-b: &b {<<: *a, kind: main}\ndishes: [{<<: *b}]",
			menu{Name: "a", Dishes: []dish{{"a", "main", nil}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := read(c.text)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	laughs := "x-a: &a [l, l, l, l, l, l, l, l, l, l]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf("x-%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	for _, c := range []struct{ name, text, says string }{
		{"nothing", "", "line 1: the file is empty; begin with name:"},
		{"only a comment", "# name: a\n", "the file is empty"},
		{"null", "~", "the file is empty"},
		{"no YAML", "name: [", "line 1"},
		{"too much", "#" + strings.Repeat("x", foreignfile.MaxSize), "bytes"},
		{"two documents", "name: a\n---\nname: b\n", "line 2, column 1: there is a second document"},
		{"a broken second document", "name: a\n---\n[", "line 3"},
		{"a list", "- name: a", "line 1, column 1: keys and values"},
		{"a missing key", "guests: []", "line 1, column 1: name: it is missing"},
		{"an unknown key", "name: a\nguest: []", `line 2, column 1: "guest" is unknown here; did you mean "guests"? known are`},
		{"an unknown key like no other", "name: a\nzzzzzz: []", `line 2, column 1: "zzzzzz" is unknown here; known are dishes, guests, keep, name`},
		{"a key twice", "name: a\nname: b", `line 2, column 1: "name" is given twice`},
		{"a list as a key", "name: a\n? [a]\n: b", "a key has to be a word"},
		{"an empty key", "name: a\n\"\": b", "a key has to be a word"},
		{"an empty value", "name:\nguests: []", "line 1, column 1: a text is expected"},
		{"an empty text", `name: ""`, "line 1, column 7: a text is expected"},
		{"an empty list's place", "name: a\nguests:", "line 2, column 1: a list is expected"},
		{"an empty item", "name: a\nguests: [b, ]\n", ""},
		{"a null item", "name: a\nguests: [b, ~]\n", "line 2, column 13: a text is expected"},
		{"no dishes", "name: a\ndishes: []", "line 2, column 9: dishes: there are none"},
		{"another word", "name: a\ndishes: [{name: b, kind: mian}]", `kind: "mian" is unknown; did you mean "main"? it is starter or main`},
		{"a number for a flag", "name: a\nopen: 1", "line 2, column 7: true or false"},
		{"a quoted flag", "name: a\nopen: \"true\"", "true or false"},
		{"a time without a zone", "name: a\nuntil: 2027-01-31", `until: "2027-01-31" is not a time`},
		{"no length of time", "name: a\nkeep: 3", `keep: "3" is not a duration`},
		{"no size", "name: a\nsize: big", `size: "big" is not a size`},
		{"too small a number", "name: a\nstars: 0", "stars: a whole number from 1 on"},
		{"binary data", "name: !!binary aGVsbG8=", "binary data"},
		{"a merge of a text", "name: a\ndishes:\n- <<: b", "<< takes keys and values"},
		{"aliases of aliases", laughs + "name: a\n", "comes to more than"},
		{"an alias of itself", "name: &a [*a]", "line 1"},
		{"an unknown alias", "name: *a", "unknown anchor"},
		{"too deep", "name: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), "nested more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(c.text)
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says == "":
			case !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), c.says):
				t.Errorf("error is %v, of kind %s; want usage and %q", err, fault.KindOf(err), c.says)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"name: a", "a: &a [*a]", "x-a: &a {b: c}\nd: {<<: *a}", "{", "? [a]\n: b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := read(text); err != nil && (!fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "line ") &&
			!strings.Contains(err.Error(), "bytes") && !strings.Contains(err.Error(), "anchor")) {
			t.Errorf("error %v, of kind %s, doesn't say where", err, fault.KindOf(err))
		}
	})
}

// A pipe is refused at once: nobody might ever write to it.
func TestAPipe(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := foreignfile.Read(pipe, "name:")
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), pipe+": it is a pipe") {
		t.Errorf("%v", err)
	}
}
