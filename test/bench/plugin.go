package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

const incumbentModule = "github.com/hashicorp/packer-plugin-openstack@v1.1.4"

// plugin is one of the two, with what was measured of it.
type plugin struct {
	source string // as in required_plugins
	binary string
	dir    string // its PACKER_PLUGIN_PATH, and its template

	wall, cpu, validate, describe []time.Duration
	requests, connections         []float64 // per build
	perEndpoint                   float64   // the most connections to one service in a build
	validateRequests              float64
	size                          int64
}

// incumbent builds HashiCorp's plugin from the module proxy, with its own pins, into the cache.
func incumbent(ctx context.Context, cache string) (*plugin, error) {
	binary := filepath.Join(cache, "packer-plugin-openstack-v1.1.4")
	if _, err := os.Stat(binary); err != nil {
		fmt.Fprintln(os.Stderr, "building", incumbentModule, "once; this takes some minutes")
		if err := buildIncumbent(ctx, cache, binary); err != nil {
			return nil, err
		}
	}
	return installed(ctx, filepath.Join(cache, "theirs"), "github.com/hashicorp/openstack", binary)
}

func buildIncumbent(ctx context.Context, cache, binary string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(cache, "go.mod"), []byte("module scratch\n"), 0o600); err != nil {
		return err
	}
	get := exec.CommandContext(ctx, "go", "mod", "download", "-json", incumbentModule)
	get.Dir, get.Stderr = cache, os.Stderr
	out, err := get.Output()
	if err != nil {
		return fmt.Errorf("fetching %s from the module proxy: %w", incumbentModule, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Dir, build.Stderr = module.Dir, os.Stderr
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		return fmt.Errorf("building %s: %w", incumbentModule, err)
	}
	return nil
}

// installed makes a plugin path that has the plugin alone.
func installed(ctx context.Context, dir, source, binary string) (*plugin, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p := &plugin{source: source, binary: binary, dir: dir}
	info, err := os.Stat(binary)
	if err != nil {
		return nil, err
	}
	p.size = info.Size()
	_, err = p.packer(ctx, nil, "plugins", "install", "--path", binary, source)
	return p, err
}

// packer runs packer with this plugin alone.
func (p *plugin) packer(ctx context.Context, env []string, args ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, "packer", args...)
	cmd.Env = append(append(os.Environ(), "PACKER_PLUGIN_PATH="+p.dir, "CHECKPOINT_DISABLE=1"), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		return cmd, fmt.Errorf("packer %s with %s: %w\n%s", args[0], p.source, err, out)
	}
	return cmd, nil
}

const template = `packer {
  required_plugins {
    openstack = {
      source  = "SOURCE"
      version = ">= 0.1.0"
    }
  }
}

source "openstack" "bench" {
  cloud             = "demo"
  communicator      = "none"
  source_image_name = "base"
  image_name        = "bench"
  flavor            = "m1.tiny"
  image_tags        = ["bench"]
  image_min_disk    = 1
  image_visibility  = "private"
}

build {
  sources = ["source.openstack.bench"]
}
`

func (p *plugin) templatePath() string { return filepath.Join(p.dir, "bench.pkr.hcl") }

func (p *plugin) writeTemplate() error {
	return os.WriteFile(p.templatePath(), []byte(strings.ReplaceAll(template, "SOURCE", p.source)), 0o600)
}

// build measures one whole build.
func (p *plugin) build(ctx context.Context, cloud *sandbox.Cloud) error {
	cloud.ResetRequests()
	start := time.Now()
	cmd, err := p.packer(ctx, cloud.Env("demo"), "build", p.templatePath())
	if err != nil {
		return err
	}
	p.wall = append(p.wall, time.Since(start))
	p.cpu = append(p.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	requests := cloud.Requests()
	for _, r := range requests {
		if verbose {
			fmt.Fprintf(os.Stderr, "  %6d ms  %-6s %s  %d\n", r.Time.Sub(start).Milliseconds(), r.Method, r.Path, r.Status)
		}
	}
	all, most := connections(requests)
	p.requests = append(p.requests, float64(len(requests)))
	p.connections = append(p.connections, all)
	p.perEndpoint = max(p.perEndpoint, most)
	return nil
}

// quick measures what has no build in it.
func (p *plugin) quick(ctx context.Context, cloud *sandbox.Cloud) error {
	cloud.ResetRequests()
	start := time.Now()
	if _, err := p.packer(ctx, cloud.Env("demo"), "validate", p.templatePath()); err != nil {
		return err
	}
	p.validate = append(p.validate, time.Since(start))
	p.validateRequests = float64(len(cloud.Requests()))
	start = time.Now()
	if err := exec.CommandContext(ctx, p.binary, "describe").Run(); err != nil {
		return err
	}
	p.describe = append(p.describe, time.Since(start))
	return nil
}
