package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

const (
	launchClouds = 7
	launchShare  = 1.0 / 20 // of the peer's time, at most
)

// sdkVersion lets the modules of Debian's ansible run with Debian's openstacksdk, which is newer than they accept. What
// is measured here works with it.
const sdkVersion = `import importlib.abc, importlib.util, sys

class Version(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "openstack.version" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        module.__version__ = "0.98.0"

sys.meta_path.insert(0, Version())
`

// playbook is what ansible-role-cloud-launcher does with such a layout, less the role around it.
const playbook = `- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - openstack.cloud.network: {cloud: "{{ item.0 }}", name: "{{ item.1.name }}"}
      loop: "{{ names | product(networks) | list }}"
    - openstack.cloud.security_group: {cloud: "{{ item.0 }}", name: "{{ item.1.name }}"}
      loop: "{{ names | product(security_groups) | list }}"
      tags: [groups]
    - openstack.cloud.security_group_rule:
        cloud: "{{ item.0 }}"
        security_group: "{{ item.1.security_group }}"
        protocol: "{{ item.1.protocol }}"
        port_range_min: "{{ item.1.port_range_min }}"
        port_range_max: "{{ item.1.port_range_max }}"
        remote_ip_prefix: "{{ item.1.remote_ip_prefix }}"
      loop: "{{ names | product(security_groups_rules) | list }}"
    - openstack.cloud.keypair: {cloud: "{{ item.0 }}", name: "{{ item.1.name }}", public_key: "{{ item.1.public_key }}"}
      loop: "{{ names | product(keypairs) | list }}"
`

const launchKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1tZZmcoOYxCtT8sXcOnNUx7QULnJkfe0Qy4w1jSm6Q bench"

// launching measures the second run of a layout with so many resources in each of seven clouds, in which nothing is left
// to do, against Ansible with the modules that the role uses.
func launching(ctx context.Context, resources int) (string, error) {
	s := sandbox.DefaultSeed()
	var names []string
	for n := range launchClouds {
		name := fmt.Sprintf("cloud-%d", n)
		names = append(names, name)
		s.Users = append(s.Users, sandbox.User{Name: name, Project: name, Role: sandbox.RoleMember})
	}
	cloud, err := sandbox.Start(ctx, sandbox.Options{Seed: s})
	if err != nil {
		return "", err
	}
	defer cloud.Close()
	w, err := newShell(cloud)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(w.home)
	layout := layoutOf(names, resources)
	file := filepath.Join(w.home, "layout.yml")
	if err := os.WriteFile(file, []byte(layout), 0o600); err != nil {
		return "", err
	}
	if _, err := w.timed(ctx, "imgctl", "cloud", "launch", "--file", file); err != nil {
		return "", err
	}
	cloud.ResetRequests()
	ours, err := w.timed(ctx, "imgctl", "cloud", "launch", "--file", file)
	if err != nil {
		return "", err
	}
	title := fmt.Sprintf("launch of %d clouds with %d resources each, again", launchClouds, resources)
	what := row{"nothing is left to do", 0, ours.Seconds(), "s", -1}
	requests := row{"requests for that", 0, float64(len(cloud.Requests())), "", -1}
	took, err := w.ansible(ctx, names, layout)
	if errors.Is(err, errNoAnsible) {
		return render(title, "Ansible", []row{what, requests}) + fmt.Sprintf("\nIts peer is not measured: %v.\n", err), nil
	}
	if err != nil {
		return "", err
	}
	what.theirs, what.goal = took, launchShare*took
	return render(title, "Ansible", []row{what, requests}), nil
}

// layoutOf has a profile of that many resources, and clouds that use it: rules by half, and the rest in equal parts.
func layoutOf(names []string, resources int) string {
	var networks, groups, rules, keys, clouds strings.Builder
	each := max(1, resources/6)
	for n := range each {
		fmt.Fprintf(&networks, "      - {name: net-%d}\n", n)
		fmt.Fprintf(&groups, "      - {name: group-%d}\n", n)
		fmt.Fprintf(&keys, "      - {name: key-%d, public_key: %s}\n", n, launchKey)
	}
	for n := range max(1, resources-3*each) {
		fmt.Fprintf(&rules, "      - {security_group: group-%d, protocol: tcp, port_range_min: %d, port_range_max: %[2]d, "+
			"remote_ip_prefix: 192.0.2.0/24}\n", n%each, 8000+n)
	}
	for _, name := range names {
		fmt.Fprintf(&clouds, "  - {name: %s, profiles: [all]}\n", name)
	}
	return "profiles:\n  - name: all\n    networks:\n" + networks.String() + "    security_groups:\n" + groups.String() +
		"    security_groups_rules:\n" + rules.String() + "    keypairs:\n" + keys.String() + "clouds:\n" + clouds.String()
}

var errNoAnsible = errors.New("there is no ansible with openstack.cloud; install ansible and python3-openstacksdk")

// ansible runs the playbook, and returns how many seconds that takes. It must find nothing to change.
func (w *shell) ansible(ctx context.Context, names []string, layout string) (float64, error) {
	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		return 0, errNoAnsible
	}
	if err := exec.CommandContext(ctx, "ansible-doc", "openstack.cloud.keypair").Run(); err != nil {
		return 0, errNoAnsible
	}
	_, profile, _ := strings.Cut(layout, "- name: all\n")
	profile, _, _ = strings.Cut(profile, "clouds:\n")
	vars := strings.ReplaceAll(profile, "\n    ", "\n")
	for name, text := range map[string]string{
		"sitecustomize.py": sdkVersion, "play.yml": playbook,
		"vars.yml": "names: [" + strings.Join(names, ", ") + "]\n" + strings.TrimPrefix(vars, "    "),
	} {
		if err := os.WriteFile(filepath.Join(w.home, name), []byte(text), 0o600); err != nil {
			return 0, err
		}
	}
	fmt.Fprintln(os.Stderr, "the same with Ansible, which takes minutes")
	// The module takes our mark out of the groups' descriptions: that is done before.
	if _, err := w.play(ctx, "--tags", "groups"); err != nil {
		return 0, err
	}
	start := time.Now()
	said, err := w.play(ctx)
	took := time.Since(start).Seconds()
	if err == nil && !strings.Contains(said, "changed=0 ") {
		err = fmt.Errorf("ansible finds something to change:\n%s", said)
	}
	return took, err
}

// play runs the playbook, and returns the end of what it says.
func (w *shell) play(ctx context.Context, more ...string) (string, error) {
	args := append([]string{
		"-i", "localhost,", "-e", "ansible_python_interpreter=/usr/bin/python3", "-e", "@" + filepath.Join(w.home, "vars.yml"),
		filepath.Join(w.home, "play.yml"),
	}, more...)
	cmd := exec.CommandContext(ctx, "ansible-playbook", args...)
	cmd.Env = append(slices.Clip(w.env), "PYTHONPATH="+w.home, "ANSIBLE_LOCALHOST_WARNING=false", "ANSIBLE_NOCOLOR=1", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	said := string(out[max(0, len(out)-3000):])
	if err != nil {
		return "", fmt.Errorf("ansible-playbook: %w\n%s", err, said)
	}
	return said, nil
}

func launchingAlone(ctx context.Context, resources int) error {
	table, err := launching(ctx, resources)
	fmt.Print(table)
	return err
}
