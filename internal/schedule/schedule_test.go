package schedule_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/schedule"
)

var update = flag.Bool("update", false, "write the units in example/schedule")

// jobs are those whose files are in example/schedule, which `make install` installs.
var jobs = []schedule.Job{{
	Name: "imgctl-retention", Description: "Let old images leave as a retention policy says",
	Command: []string{
		"/usr/local/bin/imgctl", "--os-cloud", "images", "retention", "apply", "--policy", "/etc/imgctl/retention.yaml", "--yes",
		"--json-report", "/var/lib/imgctl/retention.json", "--metrics", "/var/lib/prometheus/node-exporter/imgctl-retention.prom",
	},
	Calendar: "*-*-* 03:30:00", Cron: "30 3 * * *",
	Docs: "https://github.com/imgctl/packer-plugin-openstack/blob/main/docs/retention.md",
}, {
	Name: "imgctl-sync", Description: "Bring images from stores, and keep them current",
	Command: []string{
		"/usr/local/bin/imgctl", "--os-cloud", "images", "sync", "apply", "--policy", "/etc/imgctl/sync.yaml",
		"--json-report", "/var/lib/imgctl/sync.json", "--metrics", "/var/lib/prometheus/node-exporter/imgctl-sync.prom",
	},
	Calendar: "*-*-* 02:30:00", Cron: "30 2 * * *",
	Docs: "https://github.com/imgctl/packer-plugin-openstack/blob/main/docs/sync.md",
}, {
	Name: "imgctl-cloud-watch", Description: "Measure how a cloud does, and tell when it gets worse",
	Command: []string{
		"/usr/local/bin/imgctl", "cloud", "watch", "zuul", "--history", "/var/lib/imgctl/cloud-watch.json", "--upload", "64MiB",
		"--html", "/var/lib/imgctl/cloud-watch.html", "--metrics", "/var/lib/prometheus/node-exporter/imgctl-cloud-watch.prom",
	},
	Calendar: "*:0/15", Cron: "*/15 * * * *",
	Docs: "https://github.com/imgctl/packer-plugin-openstack/blob/main/docs/cloud-nodepool.md",
}}

// daemons are those whose units are in example/schedule.
var daemons = []schedule.Daemon{{
	Name: "imgctl-factory", Description: "Build images when Aquilon profiles change, on one machine",
	Command: []string{
		"/usr/local/bin/imgctl", "--os-cloud", "images", "factory", "run", "--config", "/etc/imgctl/factory.ini",
		"--build-clouds", "/etc/imgctl/build-clouds.yaml", "--build-cloud", "builder",
	},
	Stop: "5min", Docs: factoryDocs,
}, {
	Name: "imgctl-factory-watch", Description: "Ask for builds of images whose Aquilon profiles have changed",
	Command: []string{"/usr/local/bin/imgctl", "factory", "watch", "--config", "/etc/imgctl/factory.ini", "--every", "1m"},
	Stop:    "1min", Docs: factoryDocs,
}, {
	Name: "imgctl-factory-worker", Description: "Build and promote the images that the factory's queue asks for",
	Command: []string{
		"/usr/local/bin/imgctl", "--os-cloud", "images", "factory", "worker", "--config", "/etc/imgctl/factory.ini",
		"--build-clouds", "/etc/imgctl/build-clouds.yaml", "--build-cloud", "builder",
	},
	Stop: "5min", Docs: factoryDocs,
}}

const factoryDocs = "https://github.com/imgctl/packer-plugin-openstack/blob/main/docs/factory.md"

func TestExamples(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, j := range jobs {
		files[j.Name+".service"], files[j.Name+".timer"], files[j.Name+".cron"] = j.Service(), j.Timer(), j.CronTab()
	}
	for _, d := range daemons {
		files[d.Name+".service"] = d.Service()
	}
	for name, want := range files {
		name = filepath.Join("..", "..", "example", "schedule", name)
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is not as its template makes it (%v): run go test ./internal/schedule -update", name, err)
		}
	}
}

func TestSystemdTakesTheUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	verify := func(job string, units map[string]string) {
		t.Helper()
		args := []string{"verify"}
		for name, text := range units {
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(strings.Replace(text, "=/usr/local/bin/imgctl ", "=/bin/true ", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, file)
		}
		out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
		if strings.Contains(string(out), job) && !strings.Contains(string(out), "Failed to") || err != nil && !harmless(out) {
			t.Errorf("%v\n%s", err, out)
		}
	}
	for _, j := range jobs {
		verify(j.Name, map[string]string{j.Name + ".service": j.Service(), j.Name + ".timer": j.Timer()})
	}
	for _, d := range daemons {
		verify(d.Name, map[string]string{d.Name + ".service": d.Service()})
	}
}

// harmless reports whether systemd-analyze complains about the machine only.
func harmless(out []byte) bool {
	return strings.Contains(string(out), "Failed to initialize manager") || strings.Contains(string(out), "Failed to setup manager")
}

func TestReports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	metrics, report := filepath.Join(dir, "x.prom"), filepath.Join(dir, "x.json")
	run := func(err error) map[string]string {
		r := schedule.Begin("retention", `a "policy"`, "ci", "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4")
		r.Gauges = map[string]float64{"images": 12}
		for _, outcome := range []string{"done", "done", "skipped"} {
			r.Add(schedule.Item{ID: "1", Name: "web", Action: "hide", Outcome: outcome, Reason: "old"})
		}
		r.End(err)
		for _, e := range []error{r.WriteMetrics(metrics), r.WriteJSON(report)} {
			if e != nil {
				t.Fatal(e)
			}
		}
		return values(t, metrics)
	}
	const labels = `{cloud="ci",name="a \"policy\"",subject="retention"}`
	first := run(nil)
	success := first["imgctl_run_last_success_timestamp_seconds"+labels]
	if success == "" || success == "0" || first["imgctl_run_exit_code"+labels] != "0" || first["imgctl_retention_images"+labels] != "12" ||
		first[`imgctl_run_items{action="hide",cloud="ci",name="a \"policy\"",outcome="done",subject="retention"}`] != "2" {
		t.Errorf("%v", first)
	}
	second := run(fault.New(fault.Partial, "try again", "%w", errors.New("boom")))
	if second["imgctl_run_last_success_timestamp_seconds"+labels] != success || second["imgctl_run_exit_code"+labels] != "3" {
		t.Errorf("after a failure: %v; the last success was %s", second, success)
	}
	var r schedule.Run
	text, err := os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || r.ExitCode != 3 || r.Kind != "partial" || !strings.Contains(r.Error, "boom") || len(r.Items) != 3 ||
		len(r.Counts) != 2 || r.Ended.Before(r.Started) {
		t.Errorf("%v\n%s", err, text)
	}
	if err := r.WriteJSON(filepath.Join(dir, "none", "x.json")); err == nil {
		t.Error("a folder that doesn't exist is written to")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := os.WriteFile(metrics, []byte("no metrics {{{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if third := run(errors.New("boom")); third["imgctl_run_last_success_timestamp_seconds"+labels] != "0" {
		t.Errorf("after somebody else's file: %v", third)
	}
}

// values are a file's metrics.
func values(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if line[0] != '#' {
			at := strings.LastIndex(line, " ")
			all[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return all
}
