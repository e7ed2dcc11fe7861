package transaction

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// Script is a script that rpm would run in the image.
type Script struct {
	Package  string
	Kind     string // such as "%post"
	Program  string
	Text     string
	Harmless bool // leaving it out changes nothing that counts in an image
}

// String is the script's kind and package.
func (s Script) String() string { return fmt.Sprintf("%s of %s (%s)", s.Kind, s.Package, s.Program) }

// scriptlet is where a header has a script and its program.
type scriptlet struct {
	kind          string
	text, program header.Tag
}

var (
	ofAdded = []scriptlet{
		{"%pretrans", 1151, 1153}, {"%pre", 1023, 1085}, {"%post", 1024, 1086}, {"%posttrans", 1152, 1154},
	}
	ofRemoved = []scriptlet{{"%preun", 1025, 1087}, {"%postun", 1026, 1088}}
)

// triggers are where a header has scripts that other packages' changes start.
type triggers struct {
	kind                                  string
	texts, programs, index, names, senses header.Tag
	byFile                                bool
}

var allTriggers = []triggers{
	{"%trigger", 1065, 1092, 1069, 1066, 1068, false},
	{"%filetrigger", 5066, 5067, 5070, 5069, 5072, true},
	{"%transfiletrigger", 5076, 5077, 5080, 5079, 5082, true},
}

// findScripts lists what rpm would run.
func (t *Transaction) findScripts() {
	for _, f := range t.Added {
		t.scriptlets(f.Package, ofAdded)
	}
	for _, r := range t.Removed {
		t.scriptlets(r.Package, ofRemoved)
	}
	names, paths := map[string]bool{}, []string{}
	changed := []*rpm.Package{}
	for _, f := range t.Added {
		changed = append(changed, f.Package)
	}
	for _, r := range t.Removed {
		changed = append(changed, r.Package)
	}
	for _, p := range changed {
		names[p.Name] = true
		for n := range p.Files {
			paths = append(paths, p.Files[n].Path)
		}
	}
	for _, p := range t.packages(true) {
		mine := slices.Contains(changed, p)
		for _, kind := range allTriggers {
			t.triggered(p, kind, mine, names, paths)
		}
	}
	slices.SortStableFunc(t.Scripts, func(a, b Script) int { return strings.Compare(a.Package+a.Kind, b.Package+b.Kind) })
}

func (t *Transaction) scriptlets(p *rpm.Package, kinds []scriptlet) {
	for _, s := range kinds {
		if p.Header.Has(s.text) || p.Header.Has(s.program) {
			t.addScript(p, s.kind, strings.Join(p.Header.Strings(s.program), " "), p.Header.Text(s.text))
		}
	}
}

// triggered finds triggers of a package that the changed packages' names or files start; those of a
// changed package may be started by what is installed, too.
func (t *Transaction) triggered(p *rpm.Package, kind triggers, mine bool, names map[string]bool, paths []string) {
	texts, programs := p.Header.Strings(kind.texts), p.Header.Strings(kind.programs)
	index, conditions := p.Header.Ints(kind.index), p.Header.Strings(kind.names)
	seen := map[uint64]bool{}
	for n, condition := range conditions {
		if n >= len(index) || seen[index[n]] || index[n] >= uint64(len(texts)) {
			continue
		}
		starts := mine && !kind.byFile || names[condition]
		if kind.byFile {
			starts = slices.ContainsFunc(paths, func(path string) bool { return strings.HasPrefix(path, condition) })
		}
		if !starts {
			continue
		}
		seen[index[n]] = true
		program := "/bin/sh"
		if index[n] < uint64(len(programs)) {
			program = programs[index[n]]
		}
		t.addScript(p, kind.kind+" on "+condition, program, texts[index[n]])
	}
}

func (t *Transaction) addScript(p *rpm.Package, kind, program, text string) {
	t.Scripts = append(t.Scripts, Script{p.String(), kind, program, text, harmless(program, text)})
}

// idle are the lines that change nothing which counts in an image: the cache of libraries, which the
// loader does without, and telling a systemd that doesn't run.
var idle = regexp.MustCompile(`^(` + strings.Join([]string{
	`:`, `true`, `exit 0`, `fi`, `set [-+][a-z]+`,
	`(/usr)?(/sbin/)?ldconfig( -X)?( *>? */dev/null)?( 2>&1)?( \|\| :)?`,
	`if \[ \$1 -(eq|ge|gt) [01] \] && \[ -x "?/usr/(lib/systemd/systemd-update-helper|bin/systemctl)"? \]; then`,
	`/usr/lib/systemd/systemd-update-helper [a-z-]+ [A-Za-z0-9@._: -]+( \|\| :)?`,
	`(/usr/bin/)?systemctl (-+(no-reload|system|user) )*(preset|daemon-reload|try-restart|daemon-reexec)` +
		`[A-Za-z0-9@._: -]*( *>? */dev/null)?( 2>&1)?( \|\| :)?`,
}, "|") + `)$`)

// harmless reports whether a script does nothing that counts in an image.
func harmless(program, text string) bool {
	name := path.Base(program)
	if strings.TrimSpace(text) == "" {
		return name == "ldconfig" || name == "sh" || name == "bash" || program == "<lua>"
	}
	if name != "sh" && name != "bash" {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !idle.MatchString(line) {
			return false
		}
	}
	return true
}
