package modify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/dockerfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// The tasks of our role.
const (
	modifyImage = "modify_image"
	rpmInstall  = "rpm_install"
	yumUpdate   = "yum_update"
	yumInstall  = "yum_install"
	devInstall  = "dev_install"
)

var tasks = []string{modifyImage, rpmInstall, yumUpdate, yumInstall, devInstall}

// recipe is what an entry asks for, checked.
type recipe struct {
	role, tasks string
	vars        map[string]any
	command     []string // of a role that isn't ours
	notes       []string

	folder   string           // modify_image: the build context
	file     *dockerfile.File // modify_image
	rpms     string           // folder of RPMs
	flags    []string         // rpm_install: of rpm
	packages []string         // yum_install
	repos    string           // folder for /etc/yum.repos.d
	update   string           // yum_update: the repositories whose packages are updated
	cache    string           // of yum
	purge    bool             // of the cache, before
	compare  bool             // with the host's packages, before
	host     string           // those packages, one a line
	sources  []source         // dev_install
	folders  []string         // dev_install: source trees
	wheels   string           // dev_install: packages for pip in place of an index

	unresolved error // a source whose commit wasn't found, or the host's packages weren't

	purged   sync.Once
	purgeErr error

	read     sync.Once // of the RPMs
	files    []*rpmfile.File
	filesErr error

	inputs func() (string, error) // a digest of all that goes into the image
	made   sync.Mutex             // one at a time makes what several images need
	tree   string                 // dev_install: where the sources are
}

// source is a project of dev_install.
type source struct {
	Project, Remote, Gerrit, Refspec, Branch string
	commit                                   string // what the refspec was when it was planned
}

// read checks a job's role and variables.
func read(j Job, o *Options) (c *recipe, err error) {
	c = &recipe{role: j.Role, vars: j.Vars, command: o.Roles[j.Role]}
	c.inputs = sync.OnceValues(c.digest)
	if c.command != nil {
		return c, nil
	}
	if j.Role != Role {
		known := append([]string{Role}, keys(o.Roles)...)
		return nil, fault.New(fault.Usage, fault.Advise("give the command that carries it out with %s",
			fault.Set("modify_role", j.Role+"=COMMAND")), "%s %q is unknown: known are %s", keyRole, j.Role, strings.Join(known, ", "))
	}
	v := &variables{vars: j.Vars, folder: o.Folder}
	c.tasks = strings.TrimSuffix(strings.TrimSuffix(v.text("tasks_from"), ".yml"), ".yaml")
	if c.tasks == "" {
		c.tasks = modifyImage
	}
	if v.err == nil && !slices.Contains(tasks, c.tasks) {
		v.fail("tasks_from", "%q is unknown: known are %s", c.tasks, strings.Join(tasks, ", "))
	}
	if v.err == nil {
		c.variables(v)
	}
	if v.err != nil {
		return nil, v.err
	}
	c.notes = v.unknown()
	return c, c.check()
}

func keys(m map[string][]string) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// packageName is what may be a package in a command line: a name with or without a version, a glob,
// a group.
var packageName = regexp.MustCompile(`^@?[A-Za-z0-9_][A-Za-z0-9_.+~:*?^/-]*$`)

// variables reads the variables of the tasks.
func (c *recipe) variables(v *variables) {
	switch c.tasks {
	case modifyImage:
		c.folder = v.required("modify_dir_path", v.path("modify_dir_path"))
	case rpmInstall:
		c.rpms = v.required("rpms_path", v.path("rpms_path"))
		c.flags = whatever.options()
	case yumUpdate:
		c.update, c.rpms, c.compare = v.text("update_repo"), v.path("rpms_path"), v.bool("compare_host_packages")
		for repo := range strings.SplitSeq(c.update, ",") {
			if c.update != "" && !packageName.MatchString(repo) {
				v.fail("update_repo", "has %q, which is no repository's name", repo)
			}
		}
		c.yum(v)
	case yumInstall:
		c.packages = v.texts("yum_packages")
		if len(c.packages) == 0 {
			v.fail("yum_packages", "is missing")
		}
		for _, name := range c.packages {
			if !packageName.MatchString(name) {
				v.fail("yum_packages", "has %q, which is no package's name", name)
			}
		}
		c.yum(v)
	case devInstall:
		c.dev(v)
	}
}

func (c *recipe) yum(v *variables) {
	c.repos, c.cache, c.purge = v.path("yum_repos_dir_path"), v.path("yum_cache"), v.bool("force_purge_yum_cache")
}

// check looks at what the variables name.
func (c *recipe) check() error {
	for name, folder := range map[string]string{
		"modify_dir_path": c.folder, "yum_repos_dir_path": c.repos, "rpms_path": c.rpms, "wheels_path": c.wheels,
	} {
		if folder == "" {
			continue
		}
		if info, err := os.Stat(folder); err != nil {
			return fault.Wrap(fault.NotFound, "", prefixed("modify_vars: "+name, err))
		} else if !info.IsDir() {
			return wrong("%s: %s is no folder", name, folder)
		}
	}
	if c.rpms != "" {
		if found, err := filepath.Glob(filepath.Join(glob(c.rpms), "*.rpm")); err != nil || len(found) == 0 {
			return fault.Wrap(fault.NotFound, "", wrong("rpms_path: there is no *.rpm in %s", c.rpms))
		}
	}
	if c.tasks != modifyImage {
		return nil
	}
	text, err := readIn(c.folder, "Dockerfile", dockerfile.MaxSize)
	if err != nil {
		return fault.Wrap(fault.NotFound, "", prefixed("modify_vars: modify_dir_path", err))
	}
	if c.file, err = dockerfile.Parse(text); err != nil {
		return prefixed(filepath.Join(c.folder, "Dockerfile"), err)
	}
	return nil
}

// glob has no meaning for a pattern.
func glob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// key is the same for jobs that ask for the same change.
func (j *Job) key() string {
	text, err := json.Marshal([]any{j.Role, j.Vars})
	if err != nil {
		return j.At
	}
	return string(text)
}
