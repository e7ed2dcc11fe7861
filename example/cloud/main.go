// Demo-cloud takes a donated cloud from its first check to a provider of nodepool. It runs in a sandbox cloud
// (`imgctl-sandbox run`), whose projects demo and member-a stand for those of the test nodes and of the mirror.
// `make demo-cloud` runs it; it ends with 0 only if all is as it should be.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	start := time.Now()
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("\nAll as it should be, in %.1f s. The files are in example/cloud.\n", time.Since(start).Seconds())
}

// step is a command of imgctl, and how it has to end.
type step struct {
	title   string
	command string // the folder that the demo writes to is DIR
	exit    int
	says    string // in its output
	never   string // in its output; "" is anything
}

var steps = []step{
	{
		title: "Does the cloud have what CI needs? Not yet: 10 servers are too few", command: check, exit: 1,
		says: "Q1    | failed",
	},
	{title: "The donor raises the quota", command: "cloud launch --file example/cloud/donor.yml --yes", says: "done"},
	{title: "Now all requirements are met", command: check, says: "Q1    | passed", never: "failed"},
	{title: "Key pairs and the security group's rules, in both projects", command: launch, says: "mirrors"},
	{title: "Once more: there is nothing to do", command: launch, never: "done"},
	{title: "What launching brings is required from now on", command: check + " --launched", says: "S1    | passed", never: "failed"},
	{
		title:   "A provider of nodepool, with as many servers as the quotas allow",
		command: "cloud nodepool generate demo --labels example/cloud/labels.yaml --write DIR/nodepool.yaml",
	},
	{
		title: "The cloud is maintained: no new servers there", says: "max-servers",
		command: "cloud disable donor --file DIR/nodepool.yaml --reason maintenance",
	},
	{title: "And again as before", command: "cloud enable donor --file DIR/nodepool.yaml", says: "max-servers"},
}

const (
	check  = "cloud check demo --ci member-a --profile example/cloud/requirements.yaml -c Check -c Status -c Evidence --max-width 120"
	launch = "cloud launch --file example/cloud/layout.yml --yes"
)

func run(ctx context.Context, out io.Writer) error {
	if os.Getenv("OS_CLIENT_CONFIG_FILE") == "" {
		return errors.New("there is no cloud; run it with `make demo-cloud`, which starts one")
	}
	dir, err := os.MkdirTemp("", "demo-cloud-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "nodepool.yaml")
	var generated []byte
	for _, s := range steps {
		if err := s.run(ctx, out, dir); err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if generated == nil && err == nil {
			generated = text
			fmt.Fprintf(out, "%s\n", text)
		}
	}
	restored, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(restored, generated) {
		return errors.New("the configuration isn't the same as before")
	}
	fmt.Fprintln(out, "The file is the same as before, byte for byte.")
	return nil
}

// run runs the command, and looks at how it ends and what it says.
func (s step) run(ctx context.Context, out io.Writer, dir string) error {
	words := strings.Fields(strings.ReplaceAll(s.command, "DIR", dir))
	fmt.Fprintf(out, "\n── %s\n\n$ imgctl %s\n", s.title, strings.Join(words, " "))
	cmd := exec.CommandContext(ctx, filepath.Join("bin", "imgctl"), words...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(out, &said), out
	err := cmd.Run()
	ended, is := errors.AsType[*exec.ExitError](err)
	switch code := cmd.ProcessState.ExitCode(); {
	case err != nil && !is:
		return fmt.Errorf("running imgctl: %w", err)
	case code != s.exit:
		return fmt.Errorf("imgctl %s ended with %d instead of %d: %w", strings.Join(words, " "), code, s.exit, ended)
	case !strings.Contains(said.String(), s.says):
		return fmt.Errorf("imgctl %s doesn't say %q", strings.Join(words, " "), s.says)
	case s.never != "" && strings.Contains(said.String(), s.never):
		return fmt.Errorf("imgctl %s says %q", strings.Join(words, " "), s.never)
	}
	return nil
}
