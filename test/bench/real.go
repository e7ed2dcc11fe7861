package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
)

// phases are the parts of a build on a real cloud, each with what a plugin says when it is over. The
// last one ends with the build.
var phases = []struct {
	name         string
	theirs, ours *regexp.Regexp
}{
	{"server active", regexp.MustCompile(`Using SSH communicator`), regexp.MustCompile(`Waiting for SSH at`)},
	{"connected to SSH", regexp.MustCompile(`Connected to SSH!`), regexp.MustCompile(`Connected to SSH!`)},
	{"provisioned", regexp.MustCompile(`Stopping server`), regexp.MustCompile(`Stopping the server`)},
	{"stopped", regexp.MustCompile(`Creating the image`), regexp.MustCompile(`Capturing the image`)},
	{"captured", regexp.MustCompile(`Terminating the source server`), regexp.MustCompile(`Publishing the image`)},
	{"published and cleaned up", nil, nil},
}

// realBuild is what was measured of one build.
type realBuild struct {
	wall, cpu             time.Duration // cpu is the plugin's own
	requests, connections int
	phases                []time.Duration
}

// onReal builds the same template with both plugins in turns on a real cloud, of whose clouds.yaml
// it uses the entry.
func onReal(ctx context.Context, file, entry string, builds int, record string) error {
	cache, err := filepath.Abs(".cache/bench")
	if err != nil {
		return err
	}
	theirs, err := incumbent(ctx, cache)
	if err != nil {
		return err
	}
	ours, err := installed(ctx, filepath.Join(cache, "ours"), "github.com/imgctl/openstack", "bin/packer-plugin-openstack")
	if err != nil {
		return err
	}
	network, err := networkID(ctx, file, entry, "public")
	if err != nil {
		return err
	}
	all := map[*plugin][]realBuild{}
	for n := range builds {
		for _, p := range []*plugin{theirs, ours} {
			fmt.Fprintf(os.Stderr, "build %d of %d with %s\n", n+1, builds, p.source)
			b, err := p.buildOnReal(ctx, file, entry, network, p == theirs)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "  %.1f s, plugin's CPU %.2f s, %d requests, %d connections\n", b.wall.Seconds(), b.cpu.Seconds(),
				b.requests, b.connections)
			all[p] = append(all[p], b)
		}
	}
	table := compareReal(all[theirs], all[ours])
	fmt.Print("\n" + table)
	if record == "" {
		return nil
	}
	return write(record, "bench-real", table)
}

func networkID(ctx context.Context, file, entry, name string) (string, error) {
	auth, endpoint, tls, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(entry))
	if err != nil {
		return "", err
	}
	provider, err := config.NewProviderClient(ctx, auth, config.WithTLSConfig(tls))
	if err != nil {
		return "", err
	}
	client, err := openstack.NewNetworkV2(provider, endpoint)
	if err != nil {
		return "", err
	}
	pages, err := networks.List(client, networks.ListOpts{Name: name}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	found, err := networks.ExtractNetworks(pages)
	if err != nil || len(found) != 1 {
		return "", errors.Join(err, fmt.Errorf("%d networks are called %q", len(found), name))
	}
	return found[0].ID, nil
}

// realTemplate has what both plugins understand. The guest's SSH server gets a kind of host key that
// both ask for.
const realTemplate = `packer {
  required_plugins {
    openstack = {
      source  = "SOURCE"
      version = ">= 0.1.0"
    }
  }
}

source "openstack" "bench" {
  cloud             = "bench"
  source_image_name = "tiny"
  image_name        = "bench"
  image_visibility  = "private"
  flavor            = "m1.tiny"
  networks          = ["NETWORK"]
  config_drive      = true
  user_data         = "#!/bin/sh\ndropbearkey -t ecdsa -f /etc/dropbear/host_key\n"
  ssh_username      = "root"
}

build {
  sources = ["source.openstack.bench"]

  provisioner "shell" {
    inline = ["echo made by the bench > /root/made"]
  }
}
`

// buildOnReal measures one build through a proxy that counts.
func (p *plugin) buildOnReal(ctx context.Context, file, entry, network string, theirs bool) (b realBuild, err error) {
	proxy, err := startProxy(ctx, file, entry, filepath.Join(p.dir, "clouds.yaml"))
	if err != nil {
		return b, err
	}
	defer proxy.close()
	path := filepath.Join(p.dir, "real.pkr.hcl")
	text := strings.NewReplacer("SOURCE", p.source, "NETWORK", network).Replace(realTemplate)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return b, err
	}
	cmd := exec.CommandContext(ctx, "packer", "build", path)
	cmd.Env = append(os.Environ(), "PACKER_PLUGIN_PATH="+p.dir, "CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1",
		"OS_CLIENT_CONFIG_FILE="+filepath.Join(p.dir, "clouds.yaml"))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.StdoutPipe()
	if err != nil {
		return b, err
	}
	cmd.Stderr = cmd.Stdout
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return b, err
	}
	meter := startMeter(p.dir)
	var said strings.Builder
	ends := b.follow(bufio.NewScanner(out), &said, start, theirs)
	if err := cmd.Wait(); err != nil {
		return b, fmt.Errorf("packer build with %s: %w\n%s", p.source, err, said.String())
	}
	b.wall, b.cpu = time.Since(start), meter.stop()
	b.phases = append(b.phases, b.wall-ends)
	if len(b.phases) != len(phases) {
		return b, fmt.Errorf("%s said what ends %d phases of %d:\n%s", p.source, len(b.phases), len(phases), said.String())
	}
	b.requests, b.connections = proxy.counted()
	return b, nil
}

// follow reads what packer says and notes how long each phase took; it returns when the last one
// that it heard of ended.
func (b *realBuild) follow(lines *bufio.Scanner, said *strings.Builder, start time.Time, theirs bool) (ends time.Duration) {
	for lines.Scan() {
		fmt.Fprintln(said, lines.Text())
		if len(b.phases) == len(phases)-1 {
			continue
		}
		end := phases[len(b.phases)].ours
		if theirs {
			end = phases[len(b.phases)].theirs
		}
		if now := time.Since(start); end.MatchString(lines.Text()) {
			b.phases = append(b.phases, now-ends)
			ends = now
		}
	}
	return ends
}

func compareReal(theirs, ours []realBuild) string {
	of := func(builds []realBuild, value func(realBuild) float64) float64 {
		var all []float64
		for _, b := range builds {
			all = append(all, value(b))
		}
		return median(all)
	}
	column := func(what, unit string, goal float64, value func(realBuild) float64) row {
		return row{what, of(theirs, value), of(ours, value), unit, goal}
	}
	wall := func(b realBuild) float64 { return b.wall.Seconds() }
	cpu := func(b realBuild) float64 { return b.cpu.Seconds() }
	rows := []row{
		column("whole build", "s", of(theirs, wall), wall),
		column("CPU time of the plugin", "s", of(theirs, cpu)/20, cpu),
		column("requests", "", -1, func(b realBuild) float64 { return float64(b.requests) }),
		column("connections", "", -1, func(b realBuild) float64 { return float64(b.connections) }),
	}
	for n, phase := range phases {
		rows = append(rows, column("… until "+phase.name, "s", -1, func(b realBuild) float64 { return b.phases[n].Seconds() }))
	}
	return render(fmt.Sprintf("median of %d builds", len(ours)), "HashiCorp 1.1.4", rows)
}
