package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

const (
	checkTime = 2 * time.Second       // that a check of a cloud may take
	perCall   = 20 * time.Millisecond // that each of its requests takes at least
)

// looks are what somebody runs to see the same.
var looks = [][]string{
	{"catalog", "list"},
	{"quota", "show"},
	{"flavor", "list"},
	{"network", "list"},
	{"subnet", "list"},
	{"keypair", "list"},
	{"security", "group", "rule", "list", "default"},
	{"availability", "zone", "list"},
	{"image", "list"},
	{"role", "assignment", "list"},
}

// checkingCloud measures imgctl cloud check of two projects on a cloud that takes its time, and the commands of the
// openstack client that show the same, where there is one.
func checkingCloud(ctx context.Context, times int) (string, error) {
	cloud, err := sandbox.Start(ctx, sandbox.Options{})
	if err != nil {
		return "", err
	}
	defer cloud.Close()
	cloud.Faults().Add(sandbox.Rule{Fault: sandbox.Fault{Do: sandbox.Delay, Wait: perCall}})
	w, err := newShell(cloud)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(w.home)
	profile := filepath.Join(w.home, "requirements.yaml")
	text := "name: bench\ntest: {nodes: 5, ram: 1024, vcpus: 1, disk: 10}\nseverity: {K1: warn, K2: warn}\n"
	if err := os.WriteFile(profile, []byte(text), 0o600); err != nil {
		return "", err
	}
	check := []string{"cloud", "check", "demo", "--ci", "member-a", "--profile", profile}
	if _, err := w.timed(ctx, "imgctl", check...); err != nil { // fills the cache of manifests
		return "", err
	}
	var ours []time.Duration
	for range times {
		took, err := w.timed(ctx, "imgctl", check...)
		if err != nil {
			return "", err
		}
		ours = append(ours, took)
	}
	theirs := time.Duration(0)
	if err := client(ctx); err == nil {
		for _, command := range looks {
			took, err := w.timed(ctx, "openstack", append([]string{"--os-cloud", "demo"}, command...)...)
			if err != nil {
				continue // not everybody may see everything
			}
			theirs += took
		}
	}
	return render(fmt.Sprintf("a cloud at %s per request", perCall), "openstack client, command by command", []row{
		{"checking two projects: `cloud check`", theirs.Seconds(), seconds(ours), "s", checkTime.Seconds()},
	}), nil
}

func checkingAlone(ctx context.Context, times int) error {
	table, err := checkingCloud(ctx, times)
	fmt.Print(table)
	return err
}
