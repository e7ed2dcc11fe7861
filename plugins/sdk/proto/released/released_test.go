package released

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

var write = flag.String("write", "", "write today's protocol as this release, such as v1.1, and stop")

func TestTodayKeepsWhatWasReleased(t *testing.T) {
	today := surface(pluginv1.File_imgctl_plugin_v1_plugin_proto)
	if *write != "" {
		snapshot(t, *write+".json")
		return
	}
	files, err := filepath.Glob("v*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no released protocol: %v", err)
	}
	for _, f := range files {
		released := surface(load(t, f))
		if len(released) < 100 {
			t.Errorf("%s has %d names only: it is not the whole protocol", f, len(released))
		}
		for _, broken := range missing(released, today) {
			t.Errorf("%s: %s", f, broken)
		}
	}
}

func TestABrokenPromiseIsSeen(t *testing.T) {
	t.Parallel()
	today := surface(pluginv1.File_imgctl_plugin_v1_plugin_proto)
	const renumbered = "imgctl.plugin.v1.Row.values"
	if today[renumbered] == "" {
		t.Fatalf("there is no %s", renumbered)
	}
	changed := maps.Clone(today)
	changed[renumbered] = strings.Replace(changed[renumbered], "1", "2", 1)
	removed := maps.Clone(today)
	delete(removed, renumbered)
	added := maps.Clone(today)
	added["imgctl.plugin.v1.Row.more"] = "2 string"
	for name, c := range map[string]struct {
		today  map[string]string
		broken int
	}{"same": {today, 0}, "renumbered": {changed, 1}, "removed": {removed, 1}, "added": {added, 0}} {
		if got := missing(today, c.today); len(got) != c.broken {
			t.Errorf("%s: %q, want %d", name, got, c.broken)
		}
	}
}

// missing says what of released isn't in today as it was.
func missing(released, today map[string]string) []string {
	var broken []string
	for _, name := range slices.Sorted(maps.Keys(released)) {
		if today[name] != released[name] {
			broken = append(broken, fmt.Sprintf("%s was %q and is %q", name, released[name], today[name]))
		}
	}
	return broken
}

// surface is each name that goes over the wire, with its number and type.
func surface(f protoreflect.FileDescriptor) map[string]string {
	all := map[string]string{}
	enums(all, f.Enums())
	messages(all, f.Messages())
	for i := range f.Services().Len() {
		methods := f.Services().Get(i).Methods()
		for j := range methods.Len() {
			m := methods.Get(j)
			all[string(m.FullName())] = fmt.Sprintf("rpc %s %t %s %t",
				m.Input().FullName(), m.IsStreamingClient(), m.Output().FullName(), m.IsStreamingServer())
		}
	}
	return all
}

func enums(all map[string]string, list protoreflect.EnumDescriptors) {
	for i := range list.Len() {
		values := list.Get(i).Values()
		for j := range values.Len() {
			all[string(values.Get(j).FullName())] = fmt.Sprint(values.Get(j).Number())
		}
	}
}

func messages(all map[string]string, list protoreflect.MessageDescriptors) {
	for i := range list.Len() {
		m := list.Get(i)
		enums(all, m.Enums())
		messages(all, m.Messages())
		for j := range m.Fields().Len() {
			d := m.Fields().Get(j)
			kind := d.Kind().String()
			switch {
			case d.Message() != nil:
				kind = string(d.Message().FullName())
			case d.Enum() != nil:
				kind = string(d.Enum().FullName())
			}
			oneof := protoreflect.Name("")
			if d.ContainingOneof() != nil {
				oneof = d.ContainingOneof().Name()
			}
			all[string(d.FullName())] = fmt.Sprintf("%d %s %s %s %s", d.Number(), d.Cardinality(), kind, d.JSONName(), oneof)
		}
	}
}

func load(t *testing.T, file string) protoreflect.FileDescriptor {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := protojson.Unmarshal(data, &set); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	// The file is read alone: a loader knows nothing but what it has.
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	f, err := files.FindFileByPath(pluginv1.File_imgctl_plugin_v1_plugin_proto.Path())
	if err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	return f
}

func snapshot(t *testing.T, file string) {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	add(set, pluginv1.File_imgctl_plugin_v1_plugin_proto)
	data, err := protojson.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, data, "", " "); err != nil {
		t.Fatal(err)
	}
	lines.WriteByte('\n')
	if err := os.WriteFile(file, lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// add adds a file after those that it imports.
func add(set *descriptorpb.FileDescriptorSet, f protoreflect.FileDescriptor) {
	if slices.ContainsFunc(set.GetFile(), func(had *descriptorpb.FileDescriptorProto) bool { return had.GetName() == f.Path() }) {
		return
	}
	for n := range f.Imports().Len() {
		add(set, f.Imports().Get(n))
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
}
