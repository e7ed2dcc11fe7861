package conformance

import (
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// plausible is a Start as in the command's first example, or with something for all that is required;
// and with a canary in each secret.
func plausible(c *pluginv1.Command, dir string) *pluginv1.Start {
	start := &pluginv1.Start{
		Path: c.GetPath(), WorkDir: dir, Interactive: true, Locale: "C.UTF-8", RunId: "f0000000-0000-4000-8000-000000000003",
		Terminal: &pluginv1.Terminal{StderrTty: true, Columns: 80, Rows: 24},
	}
	var ok bool
	if start.Args, start.Flags, ok = fromExample(c); !ok {
		start.Args, start.Flags = minimal(c, dir)
	}
	for i, v := range start.GetFlags() {
		if f := find(c, v.GetName()); f.GetSecret() {
			start.Flags[i] = &pluginv1.FlagValue{
				Name: f.GetName(), IsSet: true,
				Value: &pluginv1.FlagValue_StringValue{StringValue: flagCanary},
			}
		}
	}
	return start
}

// minimal is something for each argument and flag that is required, and the others' defaults.
func minimal(c *pluginv1.Command, dir string) (args []string, flags []*pluginv1.FlagValue) {
	for _, a := range c.GetArgs() {
		for range a.GetMin() {
			args = append(args, candidate(a.GetValues(), Name))
		}
	}
	for _, f := range c.GetFlags() {
		v, err := manifest.Default(f)
		if f.GetRequired() {
			v, err = manifest.Parse(f, []string{text(f, dir)})
		}
		if err == nil { // else the manifest is wrong, which has been said
			flags = append(flags, v)
		}
	}
	return args, flags
}

// text is what a user might give for a required flag.
func text(f *pluginv1.Flag, dir string) string {
	switch f.GetType() {
	case pluginv1.FlagType_FLAG_TYPE_BOOL:
		return "true"
	case pluginv1.FlagType_FLAG_TYPE_INT, pluginv1.FlagType_FLAG_TYPE_FLOAT, pluginv1.FlagType_FLAG_TYPE_BYTES:
		return "1"
	case pluginv1.FlagType_FLAG_TYPE_DURATION:
		return "1s"
	case pluginv1.FlagType_FLAG_TYPE_KEY_VALUE:
		return Name + "=" + Name
	case pluginv1.FlagType_FLAG_TYPE_TIME:
		return "2026-01-31T12:00:00Z"
	case pluginv1.FlagType_FLAG_TYPE_FILE:
		return filepath.Join(dir, "file")
	default:
		return candidate(f.GetValues(), Name)
	}
}

func candidate(values []string, otherwise string) string {
	if len(values) > 0 {
		return values[0]
	}
	return otherwise
}

// incomplete is a Start that lacks something required; false if nothing is.
func incomplete(c *pluginv1.Command) (*pluginv1.Start, bool) {
	for _, a := range c.GetArgs() {
		if a.GetMin() > 0 {
			return &pluginv1.Start{Path: c.GetPath()}, true
		}
	}
	for _, f := range c.GetFlags() {
		if f.GetRequired() {
			return &pluginv1.Start{Path: c.GetPath()}, true
		}
	}
	return nil, false
}
