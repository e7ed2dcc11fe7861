package manifest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// right is a manifest without fault.
func right() *pluginv1.Manifest {
	return &pluginv1.Manifest{Name: "age", Version: "1.0.0-rc.1", Commands: []*pluginv1.Command{{
		Path: []string{"image", "age"}, Aliases: []string{"old"}, Short: "List images by age", Kind: pluginv1.CommandKind_COMMAND_KIND_LIST,
		Columns: []*pluginv1.Column{{Title: "ID"}, {Title: "Name"}},
		Args:    []*pluginv1.Arg{{Name: "FIRST", Help: "one", Min: 1, Max: 1}, {Name: "REST", Help: "more"}},
		Flags: []*pluginv1.Flag{
			{Name: "older-than", Short: "O", Type: pluginv1.FlagType_FLAG_TYPE_DURATION, Default: "7d", Help: "age", Env: "AGE"},
			{Name: "key", Type: pluginv1.FlagType_FLAG_TYPE_STRING, Help: "a key", Secret: true},
		},
	}}}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if wrong := manifest.Check(right()); len(wrong) > 0 {
		t.Fatalf("a manifest without fault has %q", wrong)
	}
	for want, spoil := range map[string]func(*pluginv1.Manifest, *pluginv1.Command){
		"500 are allowed": func(m *pluginv1.Manifest, c *pluginv1.Command) {
			m.Commands = slices.Repeat([]*pluginv1.Command{c}, 501)
		},
		"1048576 are allowed": func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Long = strings.Repeat("x", 1<<20) },
		"1000 are allowed":    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Values = make([]string, 1001) },
		"5 are allowed":       func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Path = slices.Repeat([]string{"a"}, 6) },
		"the plugin's name":   func(m *pluginv1.Manifest, _ *pluginv1.Command) { m.Name = "Age" },
		"semantic version":    func(m *pluginv1.Manifest, _ *pluginv1.Command) { m.Version = "v1" },
		"has no commands":     func(m *pluginv1.Manifest, _ *pluginv1.Command) { m.Commands = nil },
		`"image age" is defined twi`: func(m *pluginv1.Manifest, c *pluginv1.Command) {
			m.Commands = append(m.Commands,
				proto.CloneOf(c))
		},
		`"image old" is defined twi`:  func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Aliases = []string{"old", "old"} },
		"has no path":                 func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Path = nil },
		`"-x" isn't made of lower`:    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Path[1] = "-x" },
		`"plugin" is imgctl's own`:    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Path[0] = "plugin" },
		"has no short help":           func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Short = "" },
		"longer than 60":              func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Short = strings.Repeat("ä", 61) },
		"has no kind":                 func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Kind = 99 },
		"isn't a LIST":                func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Kind = pluginv1.CommandKind_COMMAND_KIND_SHOW },
		"column without title":        func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Columns[0].Title = "" },
		`column "Name" is defined tw`: func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Columns[0].Title = "Name" },
		`argument "FIRST" has no h`:   func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Args[0].Help = "" },
		"argument without name":       func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Args[0].Name = "" },
		"takes 2 to 1 values":         func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Args[0].Min = 2 },
		"and isn't the last":          func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Args[0].Max = 0 },
		"after the optional":          func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Args[0].Min, c.Args[1].Min = 0, 1 },
		"--older-than has no help":    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Help = "" },
		"--older-than has no type":    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Type = 0 },
		`--older-than: "x" isn't a`:   func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Default = "x" },
		"--dry-run is imgctl's":       func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Name = "dry-run" },
		"--os-cloud is imgctl's":      func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Name = "os-cloud" },
		"-f of --older-than is im":    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Short = "f" },
		"isn't one letter":            func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Short = "OT" },
		"flag --key is defined twic":  func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Name = "key" },
		"flag -O is defined twice":    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[1].Short = "O" },
		"holds credentials":           func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Env = "OS_PASSWORD" },
		"isn't a variable's name":     func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Env = "a b" },
		"required and has a defau":    func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[0].Required = true },
		"a secret and not a STRIN": func(_ *pluginv1.Manifest,
			c *pluginv1.Command,
		) {
			c.Flags[1].Type = pluginv1.FlagType_FLAG_TYPE_FILE
		},
		"a secret with a default": func(_ *pluginv1.Manifest, c *pluginv1.Command) { c.Flags[1].Default = "x" },
		"ENUM without values": func(_ *pluginv1.Manifest,
			c *pluginv1.Command,
		) {
			c.Flags[1].Type = pluginv1.FlagType_FLAG_TYPE_ENUM
		},
	} {
		m := right()
		spoil(m, m.GetCommands()[0])
		if wrong := manifest.Check(m); !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("found %q, want %q", wrong, want)
		}
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	m := right()
	m.Commands[0].Long = "One\n\tTwo äöü 🙂"
	m.Commands[0].Examples = []*pluginv1.Example{{Text: "List", Command: "imgctl image age x"}}
	if wrong := manifest.CheckText(m); len(wrong) > 0 {
		t.Fatalf("a manifest without fault has %q", wrong)
	}
	for name, spoil := range map[string]func(*pluginv1.Command){
		"an argument's values": func(c *pluginv1.Command) { c.Args[0].Values = []string{"a", "b\n"} },
		"a flag's values":      func(c *pluginv1.Command) { c.Flags[0].Values = []string{"a\x1b"} },
		"a flag's default":     func(c *pluginv1.Command) { c.Flags[0].Default = "\u202e" },
	} {
		m := right()
		if spoil(m.Commands[0]); len(manifest.CheckText(m)) != 1 {
			t.Errorf("%s: %q", name, manifest.CheckText(m))
		}
	}
	count := 0
	manifest.EachText(m, func(string, *string, bool) { count++ })
	for at := range count { // each text in turn
		for _, char := range []string{"\x1b", "\r", "\u009b", "\u202e", "\u2028", "\n"} {
			m, n, spoilt := right(), 0, ""
			m.Commands[0].Examples = []*pluginv1.Example{{Text: "List", Command: "imgctl image age x"}}
			manifest.EachText(m, func(of string, text *string, lines bool) {
				if n == at && !(lines && char == "\n") {
					*text += "a" + char + "b"
					spoilt = of
				}
				n++
			})
			if wrong := manifest.CheckText(m); spoilt != "" && len(wrong) == 0 || spoilt == "" && len(wrong) > 0 {
				t.Errorf("text %d, of %s, with %q: %q", at, spoilt, char, wrong)
			}
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind pluginv1.FlagType
		text string
		want any // nil: refused
	}{
		{pluginv1.FlagType_FLAG_TYPE_INT, "-7", int64(-7)},
		{pluginv1.FlagType_FLAG_TYPE_INT, "7.5", nil},
		{pluginv1.FlagType_FLAG_TYPE_FLOAT, "7.5", 7.5},
		{pluginv1.FlagType_FLAG_TYPE_FLOAT, "NaN", nil},
		{pluginv1.FlagType_FLAG_TYPE_BOOL, "yes", nil},
		{pluginv1.FlagType_FLAG_TYPE_DURATION, "7d", 7 * 24 * time.Hour},
		{pluginv1.FlagType_FLAG_TYPE_DURATION, "1d12h", 36 * time.Hour},
		{pluginv1.FlagType_FLAG_TYPE_DURATION, "90s", 90 * time.Second},
		{pluginv1.FlagType_FLAG_TYPE_DURATION, "1 week", nil},
		{pluginv1.FlagType_FLAG_TYPE_DURATION, "99999999d", nil},
		{pluginv1.FlagType_FLAG_TYPE_BYTES, "512", int64(512)},
		{pluginv1.FlagType_FLAG_TYPE_BYTES, "10M", int64(10 << 20)},
		{pluginv1.FlagType_FLAG_TYPE_BYTES, "4GiB", int64(4 << 30)},
		{pluginv1.FlagType_FLAG_TYPE_BYTES, "1.5kB", int64(1500)},
		{pluginv1.FlagType_FLAG_TYPE_BYTES, "9999999999T", nil},
		{pluginv1.FlagType_FLAG_TYPE_BYTES, "-1", nil},
		{pluginv1.FlagType_FLAG_TYPE_BYTES, "M", nil},
		{pluginv1.FlagType_FLAG_TYPE_TIME, "2026-01-31T12:00:00+01:00", time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC)},
		{pluginv1.FlagType_FLAG_TYPE_TIME, "2026-01-31", time.Date(2026, 1, 31, 0, 0, 0, 0, time.Local).UTC()},
		{pluginv1.FlagType_FLAG_TYPE_TIME, "soon", nil},
		{pluginv1.FlagType_FLAG_TYPE_ENUM, "b", "b"},
		{pluginv1.FlagType_FLAG_TYPE_ENUM, "c", nil},
		{pluginv1.FlagType_FLAG_TYPE_KEY_VALUE, "a=b=c", "a"},
		{pluginv1.FlagType_FLAG_TYPE_KEY_VALUE, "=b", nil},
	} {
		v, err := manifest.Parse(&pluginv1.Flag{Name: "flag", Type: c.kind, Values: []string{"a", "b"}}, []string{c.text})
		if c.want == nil {
			if err == nil || !strings.Contains(err.Error(), "--flag") || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s %q gives %v and %v, want an error that names both", c.kind, c.text, v, err)
			}
			continue
		}
		if got := plain(v); err != nil || got != c.want {
			t.Errorf("%s %q gives %v, %v, want %v", c.kind, c.text, got, err, c.want)
		}
	}
	if _, err := manifest.Parse(&pluginv1.Flag{Name: "key", Secret: true, Type: pluginv1.FlagType_FLAG_TYPE_INT},
		[]string{"canary"}); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("a secret that doesn't fit gives %v", err)
	}
}

func plain(v *pluginv1.FlagValue) any {
	switch of := v.GetValue().(type) {
	case *pluginv1.FlagValue_StringValue:
		return of.StringValue
	case *pluginv1.FlagValue_IntValue:
		return of.IntValue
	case *pluginv1.FlagValue_FloatValue:
		return of.FloatValue
	case *pluginv1.FlagValue_BytesValue:
		return of.BytesValue
	case *pluginv1.FlagValue_DurationValue:
		return of.DurationValue.AsDuration()
	case *pluginv1.FlagValue_TimeValue:
		return of.TimeValue.AsTime()
	case *pluginv1.FlagValue_PairsValue:
		return of.PairsValue.GetValues()[0].GetKey()
	}
	return nil
}

// Whatever the text, a value is refused or fits its flag.
func FuzzParse(f *testing.F) {
	for kind := range pluginv1.FlagType_name {
		f.Add(kind, "7d,a=b 10MiB 2026-01-31")
	}
	f.Fuzz(func(t *testing.T, kind int32, text string) {
		flag := &pluginv1.Flag{Name: "flag", Type: pluginv1.FlagType(kind), Values: []string{"a"}}
		v, err := manifest.Parse(flag, []string{text})
		if err != nil {
			return
		}
		c := &pluginv1.Command{Path: []string{"x"}, Flags: []*pluginv1.Flag{flag}}
		if _, err := manifest.Bind(c, nil, []*pluginv1.FlagValue{v}); err != nil {
			t.Errorf("%q was read as %v, and then refused: %v", text, v, err)
		}
	})
}
