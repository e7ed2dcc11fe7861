package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const emptyTemplate = `packer {
  required_plugins {
    empty = {
      source  = "github.com/imgctl/empty"
      version = ">= 0.1.0"
    }
  }
}

source "null" "bench" {
  communicator = "none"
}

build {
  sources = ["source.null.bench"]
}
`

// empty builds and installs the plugin that has no component.
func empty(ctx context.Context, cache string) (*plugin, error) {
	binary := filepath.Join(cache, "packer-plugin-empty")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./test/bench/empty")
	build.Stderr = os.Stderr
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the empty plugin: %w", err)
	}
	p, err := installed(ctx, filepath.Join(cache, "empty"), "github.com/imgctl/empty", binary)
	if err != nil {
		return nil, err
	}
	return p, os.WriteFile(p.templatePath(), []byte(emptyTemplate), 0o600)
}

// floor measures the least that `packer validate` takes with any plugin.
func (p *plugin) floor(ctx context.Context) error {
	start := time.Now()
	if _, err := p.packer(ctx, nil, "validate", p.templatePath()); err != nil {
		return err
	}
	p.validate = append(p.validate, time.Since(start))
	return nil
}
