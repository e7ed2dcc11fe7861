package modify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Where OpenStack's sources are, unless the variables say otherwise.
const (
	opendev = "https://opendev.org/openstack"
	gerrit  = "https://review.opendev.org/openstack"
)

// What git may be told: nothing that it would take for an option.
var (
	projectName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	refName     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@+-]*$`)
	remoteName  = regexp.MustCompile(`^(https?|ssh|git|file)://[^\s]+$|^/[^\s]*$`)
)

// dev reads the variables of dev_install.
func (c *recipe) dev(v *variables) {
	remote, review := v.text("git_remote"), v.text("gerrit_remote")
	switch { // a mirror of one's own has the changes, too
	case remote == "" && review == "":
		remote, review = opendev, gerrit
	case remote == "":
		remote = review
	case review == "":
		review = remote
	}
	for _, name := range []string{"git_remote", "gerrit_remote"} {
		if url := v.text(name); url != "" && !remoteName.MatchString(url) {
			v.fail(name, "has to be a URL of https, http, ssh, git or file, or a path from /, not %q", url)
		}
	}
	c.wheels = v.path("wheels_path")
	for _, folder := range v.texts("python_dir") {
		folder = absolute(v.folder, folder)
		if v.err == nil && !isDir(folder) {
			v.fail("python_dir", "has %s, which is no folder", folder)
		}
		c.folders = append(c.folders, folder)
	}
	list, ok := v.get("refspecs").([]any)
	if !ok && v.vars["refspecs"] != nil {
		v.fail("refspecs", "has to be a list of mappings with project and refspec, not %s", kind(v.vars["refspecs"]))
	}
	for n, item := range list {
		c.sources = append(c.sources, c.source(v, n, item, remote, review))
	}
	if v.err == nil && len(c.sources)+len(c.folders) == 0 {
		v.fail("refspecs", "is missing, and so is python_dir: there is nothing to install")
	}
}

func absolute(folder, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(folder, path)
}

// source reads one of the refspecs.
func (c *recipe) source(v *variables, n int, item any, remote, review string) source {
	name := fmt.Sprintf("refspecs[%d]", n)
	m, ok := item.(map[string]any)
	if !ok {
		v.fail(name, "has to be a mapping with project and refspec, not %s", kind(item))
		return source{}
	}
	own := &variables{vars: m}
	s := source{Project: own.text("project"), Refspec: own.text("refspec"), Branch: own.text("branch")}
	s.Remote = strings.TrimSuffix(remote, "/") + "/" + s.Project
	s.Gerrit = strings.TrimSuffix(review, "/") + "/" + s.Project
	if own.err != nil && v.err == nil {
		v.err = prefixed(name, own.err)
	}
	c.notes = append(c.notes, own.unknown()...)
	switch {
	case !projectName.MatchString(s.Project) || strings.Contains(s.Project, ".."):
		v.fail(name, "has the project %q, which is no project's name", s.Project)
	case s.Refspec != "" && !refName.MatchString(s.Refspec):
		v.fail(name, "has the refspec %q, which is no reference such as refs/changes/01/1234/5", s.Refspec)
	case s.Branch != "" && !refName.MatchString(s.Branch):
		v.fail(name, "has the branch %q, which is no branch's name", s.Branch)
	}
	return s
}

// git runs git in the folder and gives what it says.
func (p *programs) git(ctx context.Context, folder string, args ...string) (string, error) {
	args = append([]string{
		"-C", folder, "-c", "core.hooksPath=/dev/null", "-c", "user.name=imgctl", "-c", "user.email=imgctl@localhost",
		"-c", "advice.detachedHead=false",
	}, args...)
	cmd := command{name: "git", args: args, env: append(p.env(), "GIT_TERMINAL_PROMPT=0")}
	return cmd.output(ctx)
}

// resolve finds which commits the sources are now, and which packages this machine has.
func (c *recipe) resolve(ctx context.Context, p *programs) (err error) {
	if c.compare {
		if c.host, err = hostPackages(ctx, p); err != nil {
			return prefixed("compare_host_packages", err)
		}
	}
	for n := range c.sources {
		s := &c.sources[n]
		branch := s.Branch
		if branch == "" {
			branch = "HEAD"
		}
		for _, look := range []struct{ remote, ref string }{{s.Remote, branch}, {s.Gerrit, s.Refspec}} {
			if look.ref == "" {
				continue
			}
			out, err := p.git(ctx, "/", "ls-remote", "--", look.remote, look.ref)
			if err != nil {
				return fault.Wrap(fault.Unavailable, "", fmt.Errorf("project %s: %w", s.Project, err))
			}
			commit, _, _ := strings.Cut(out, "\t")
			if commit == "" {
				return fault.New(fault.NotFound, "", "project %s: %s has no %s", s.Project, look.remote, look.ref)
			}
			s.commit += commit + " "
		}
	}
	return nil
}

// checkOut fetches the sources once, for all images of the change, and gives their folder.
func (c *recipe) checkOut(ctx context.Context, p *programs, rep report.Reporter, scratch string) (string, error) {
	c.made.Lock()
	defer c.made.Unlock()
	if c.tree != "" {
		return c.tree, nil
	}
	tree, err := os.MkdirTemp(scratch, "sources-")
	if err != nil {
		return "", err
	}
	var versions strings.Builder
	for n, s := range c.sources {
		name := fmt.Sprintf("%02d-%s", n, strings.ReplaceAll(s.Project, "/", "-"))
		version, err := p.fetch(ctx, rep, s, filepath.Join(tree, name))
		if err != nil {
			return "", fmt.Errorf("project %s: %w", s.Project, err)
		}
		fmt.Fprintf(&versions, "%s %s\n", name, version)
	}
	for n, folder := range c.folders {
		name := fmt.Sprintf("dir-%02d-%s", n, filepath.Base(folder))
		if err := os.CopyFS(filepath.Join(tree, name), os.DirFS(folder)); err != nil {
			return "", fmt.Errorf("python_dir: %w", err)
		}
		fmt.Fprintf(&versions, "%s -\n", name)
	}
	err = os.WriteFile(filepath.Join(tree, "versions"), []byte(versions.String()), 0o644)
	c.tree = tree
	return tree, err
}

// fetch clones a project and picks its change, and gives the version that it then has.
func (p *programs) fetch(ctx context.Context, rep report.Reporter, s source, to string) (string, error) {
	rep.Step("Fetching %s", s.Remote)
	clone := []string{"clone", opt("quiet")}
	if s.Branch != "" {
		clone = append(clone, opt("branch"), s.Branch)
	}
	if _, err := p.git(ctx, "/", append(clone, "--", s.Remote, to)...); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", err)
	}
	if s.Refspec != "" {
		if _, err := p.git(ctx, to, "fetch", opt("quiet"), "--", s.Gerrit, s.Refspec); err != nil {
			return "", fault.Wrap(fault.Unavailable, "", err)
		}
		if out, err := p.git(ctx, to, "merge-base", opt("is-ancestor"), "FETCH_HEAD", "HEAD"); err != nil && out == "" {
			if _, err := p.git(ctx, to, "cherry-pick", opt("allow-empty"), "FETCH_HEAD"); err != nil {
				return "", fault.Wrap(fault.Conflict, "", fmt.Errorf("%s doesn't apply: %w", s.Refspec, err))
			}
		}
	}
	// Tools such as pbr find a version in git, which images rarely have.
	version := "0.0.0"
	if tag, err := p.git(ctx, to, "describe", opt("tags"), opt("abbrev=0")); err == nil {
		version = strings.TrimSpace(tag)
		if n, err := p.git(ctx, to, "rev-list", opt("count"), version+"..HEAD"); err == nil && strings.TrimSpace(n) != "0" {
			version += ".post" + strings.TrimSpace(n)
		}
	}
	return version, nil
}
