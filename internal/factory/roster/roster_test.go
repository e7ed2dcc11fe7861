package roster_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/roster"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

func TestDrain(t *testing.T) {
	t.Parallel()
	folder := roster.Folder(t.TempDir())
	if p, err := roster.NewDrain(folder); err != nil || !p.Done() {
		t.Fatalf("without workers: %+v %v", p, err)
	}
	var members [2]*roster.Member
	for n := range members {
		var err error
		if members[n], err = roster.Join(folder); err != nil {
			t.Fatal(err)
		}
	}
	// A dead worker is forgotten.
	dead := filepath.Join(folder, "1-00000000.worker")
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if files, err := roster.Workers(folder); err != nil || len(files) != 2 {
		t.Fatalf("%v %v", files, err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("a dead worker's file is left")
	}
	p, err := roster.NewDrain(folder)
	if err != nil || p.Done() || len(p.Rows()) != 2 {
		t.Fatalf("%+v %v", p, err)
	}
	// One that joins later goes on.
	later, err := roster.Join(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer later.Leave()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Apply(ctx, report.Discard) }()
	for _, m := range members {
		select {
		case <-m.Drain():
		case err := <-done:
			t.Fatalf("it didn't wait: %v", err)
		case <-ctx.Done():
			t.Fatal("a worker isn't told")
		}
		m.Leave()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, row := range p.Rows() {
		if row[1].Value != "ended" {
			t.Errorf("%v", row)
		}
	}
	select {
	case <-later.Drain():
		t.Error("the later one is told to end")
	default:
	}
	if files, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(files) != 1 {
		t.Errorf("left: %v %v", files, err)
	}
}

func TestAnInterruptedDrainStillDrains(t *testing.T) {
	t.Parallel()
	folder := roster.Folder(t.TempDir())
	m, err := roster.Join(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Leave()
	p, err := roster.NewDrain(folder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Apply(ctx, report.Discard); err == nil {
		t.Error("no error")
	}
	<-m.Drain()
}
