// Package change_test runs the conformance suite of changes over the subjects that there are,
// directly and through imgctl and Packer.
package change_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// childEnv names in a child of this test the subject, its clouds.yaml, its argument, and "dry".
const childEnv = "IMGCTL_CHANGE_TEST"

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	args := strings.Split(text, "\n")
	for _, s := range append(subjects, checking) {
		if s.Name == args[0] {
			if err := changetest.Direct(context.Background(), s, args[1], args[2], args[3] == "dry"); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(2)
}

var subjects = slices.Concat([]changetest.Subject{
	promotion, sharing, sweeping, leaking, retaining, syncing, copying, exporting("images"), exporting("images.tar"), importing,
	serving, fixing, modifying, modifyingFolder, pushing, rollingBack, watching, booting, launching,
}, onLinux)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, s := range subjects {
		s.Doors = append(s.Doors, direct(s.Name))
		changetest.Test(t, s)
	}
}

// direct is the subject without a door, in a process of its own.
func direct(subject string) changetest.Door {
	return changetest.Door{Name: "no door", Run: func(t *testing.T, w *changetest.World, dry bool) *exec.Cmd {
		mode := ""
		if dry {
			mode = "dry"
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{subject, w.File(), w.Arg, mode}, "\n"))
		return cmd
	}}
}

// imgctl is the door of a command. args are its words, keys the columns of its rows, nil for an action.
func imgctl(args func(w *changetest.World) []string, keys []string) changetest.Door {
	run := func(t *testing.T, w *changetest.World, more ...string) *exec.Cmd {
		cmd := packertest.New(t).Around(t, filepath.Join(packertest.Root(), "bin", "imgctl"), append(args(w), more...)...)
		home := t.TempDir()
		cmd.Env = append(cmd.Env, "OS_CLIENT_CONFIG_FILE="+w.File(), "HOME="+home, "XDG_CACHE_HOME="+
			filepath.Join(packertest.Root(), ".cache"), "XDG_CONFIG_HOME="+home)
		return cmd
	}
	output := func(t *testing.T, w *changetest.World, more ...string) []byte {
		t.Helper()
		out, err := run(t, w, append(more, "--dry-run")...).Output()
		if err != nil {
			t.Fatalf("%v: %v", more, err)
		}
		return out
	}
	return changetest.Door{
		Name: "imgctl", Stride: 2,
		Run: func(t *testing.T, w *changetest.World, dry bool) *exec.Cmd {
			if dry {
				return run(t, w, "--dry-run")
			}
			return run(t, w, "--yes")
		},
		Rows: func(t *testing.T, w *changetest.World) [][]change.Row {
			if keys == nil {
				return [][]change.Row{{fields(t, output(t, w, "-f", "json"))}}
			}
			var columns []string
			for _, key := range keys {
				columns = append(columns, "-c", title(key))
			}
			return [][]change.Row{
				fromJSON(t, keys, output(t, w, append(columns, "-f", "json")...)),
				fromCSV(t, keys, output(t, w, append(columns, "-f", "csv")...)),
			}
		},
	}
}

// title is a column's title.
func title(key string) string {
	words := strings.Split(key, "_")
	for n, w := range words {
		words[n] = strings.ToUpper(w[:1]) + w[1:]
		if w == "id" {
			words[n] = "ID"
		}
	}
	return strings.Join(words, " ")
}

func fromJSON(t *testing.T, keys []string, text []byte) (rows []change.Row) {
	t.Helper()
	var objects []map[string]any
	if err := json.Unmarshal(text, &objects); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, o := range objects {
		row := change.Row{}
		for _, key := range keys {
			value, ok := o[title(key)] // as the columns were asked for
			if !ok {
				t.Errorf("the JSON has no %q: %v", title(key), o)
			}
			row = append(row, change.Cell{Key: key, Value: value})
		}
		rows = append(rows, blank(row))
	}
	return rows
}

func fromCSV(t *testing.T, keys []string, text []byte) (rows []change.Row) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, record := range records[1:] {
		row := change.Row{}
		for n, key := range keys {
			row = append(row, change.Cell{Key: key, Value: record[n]})
		}
		rows = append(rows, blank(row))
	}
	return rows
}

// blank leaves out the value of an age, which goes on.
func blank(row change.Row) change.Row {
	for n := range row {
		if row[n].Key == "age" {
			row[n].Value = nil
		}
	}
	return row
}

// fields are an action's, in the plan's order.
func fields(t *testing.T, text []byte) (row change.Row) {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	keys := []string{"image_id", "name", "changes"}
	if _, tested := o["signs"]; tested {
		keys = []string{"image_id", "image", "flavor", "signs", "outcome"}
	}
	for _, key := range keys {
		row = append(row, change.Cell{Key: key, Value: o[key]})
	}
	return row
}

// images are all images of a sandbox: what people see of them, and until when they are shared with
// whom. Ids are left out.
func images(t *testing.T, w *changetest.World) string {
	t.Helper()
	sc, err := cloudtest.Connect(t, w.CloudsYAML(), "admin").Image()
	if err != nil {
		t.Fatal(err)
	}
	all, err := glance.New(sc).Images(t.Context(), glance.Query{Visibility: "all", BothHidden: true})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, img := range all {
		name := img.Name
		for _, other := range all {
			name = strings.ReplaceAll(name, other.ID[:8], "ID")
		}
		line := fmt.Sprintf("%s %s %s hidden=%v", name, img.Status, img.Visibility, img.Hidden)
		members, ends := w.Members(img.ID), map[string]string{}
		if text := img.Properties[glance.ShareEndsKey]; text != "" {
			if err := json.Unmarshal([]byte(text), &ends); err != nil {
				t.Fatal(err)
			}
		}
		for _, project := range []string{"member-a", "member-b", "other"} {
			if status := members[w.ProjectID(project)]; status != "" {
				line += " " + project + "=" + status + " " + ends[w.ProjectID(project)]
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func add(t *testing.T, s *sandbox.Cloud, i sandbox.Image) string {
	t.Helper()
	id, err := s.AddImage(i)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
