package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Python is Debian's, which has python3-openstackclient.
const Python = "/usr/bin/python3"

//go:embed serve.py
var serve string

// Client is an OpenStackClient that runs commands in one process.
type Client struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder
}

// Answer is what a command answered.
type Answer struct {
	Status         int
	Stdout, Stderr string
}

// Start starts a client of a cloud of a clouds.yaml. home is a folder for its files, and options are the client's own.
func Start(ctx context.Context, cloudsYAML, cloud, home string, options ...string) (*Client, error) {
	c := &Client{cmd: exec.CommandContext(ctx, Python, append([]string{"-c", serve, "--os-cloud", cloud}, options...)...)}
	c.cmd.WaitDelay = 10 * time.Second
	c.cmd.Dir = home
	c.cmd.Env = append(without("OS_"), "OS_CLIENT_CONFIG_FILE="+cloudsYAML, "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home)
	c.cmd.Stderr = &c.err
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	return c, c.cmd.Start()
}

// Run runs a command.
func (c *Client) Run(args ...string) (Answer, error) {
	line, err := json.Marshal(args)
	if err != nil {
		return Answer{}, err
	}
	if _, err = c.in.Write(append(line, '\n')); err == nil {
		line, err = c.out.ReadBytes('\n')
	}
	var a Answer
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		_ = c.cmd.Cancel()
		_ = c.cmd.Wait() // what it has said is complete then
		return a, fmt.Errorf("running %q: %w\n%s%s", strings.Join(args, " "), err, line, c.err.String())
	}
	return a, nil
}

// Close ends the process.
func (c *Client) Close() error {
	_ = c.in.Close() // at which it ends
	return c.cmd.Wait()
}

// Commands are those of the client, by the group of its entry points.
func Commands(ctx context.Context) (map[string][]string, error) {
	out, err := exec.CommandContext(ctx, Python, "-c", serve, "list").Output()
	if err != nil {
		return nil, err
	}
	var all map[string][]string
	return all, json.Unmarshal(out, &all)
}

// without is the environment without variables whose names begin so.
func without(prefix string) (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, prefix) {
			env = append(env, v)
		}
	}
	return env
}
