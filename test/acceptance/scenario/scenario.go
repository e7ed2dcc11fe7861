// Package scenario runs the scripts of test/acceptance/scenarios, each on a sandbox of its own or
// all on one real cloud. What a script can say is in test/acceptance/README.md.
package scenario

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// sandboxSSH is a port that everybody may bind.
const sandboxSSH = 2222

// genuine is a real cloud by its clouds.yaml.
type genuine struct {
	file     string
	services []string // types in its catalog
}

// OnSandbox runs the scripts of dir, each on a sandbox of its own.
func OnSandbox(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, nil)
}

// OnCloud runs the scripts of dir on a real cloud. Its clouds.yaml has an entry for each of
// people's names, or for the name that test/openstack gives to that person.
func OnCloud(t *testing.T, dir, cloudsYAML string) {
	t.Helper()
	admin, err := connect(t.Context(), cloudsYAML, realName("admin"))
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, &genuine{cloudsYAML, admin.services()})
}

func run(t *testing.T, dir string, cloud *genuine) {
	t.Helper()
	packertest.New(t) // makes what the scripts run
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return setUp(env, cloud) },
		Condition:           func(name string) (bool, error) { return holds(name, cloud) },
		Cmds:                commands(),
	})
}

// holds says whether a guard lets its line run.
func holds(name string, cloud *genuine) (bool, error) {
	service := map[string]string{"nova": "compute", "neutron": "network", "cinder": "volumev3", "ironic": "baremetal"}
	switch name {
	case "sandbox":
		return cloud == nil, nil
	case "cloud":
		return cloud != nil, nil
	case "admin":
		return true, nil // says that the script needs one; each cloud here has an administrator
	case "root":
		return os.Getuid() == 0, nil
	}
	if service[name] == "" {
		return false, fmt.Errorf("no guard is called %q: there are sandbox, cloud, admin, root, nova, neutron, cinder and ironic", name)
	}
	return cloud == nil || slices.Contains(cloud.services, service[name]), nil
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// setUp gives a script its cloud and an environment in which nothing of the user's counts.
func setUp(env *testscript.Env, cloud *genuine) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("scripts run under go test alone")
	}
	w := &world{t: t, file: filepath.Join(env.WorkDir, ".clouds.yaml"), run: newRun()}
	vars := map[string]string{"RUN": w.run, "SOURCE_IMAGE": "tiny", "FLAVOR": "m1.tiny", "EXTERNAL_NETWORK": "public"}
	if cloud == nil {
		w.sandbox = startSandbox(t)
		w.file = w.sandbox.CloudsYAML()
		vars["NETWORK"], vars["SSH_PORT"], vars["SANDBOX_URL"] = "private", strconv.Itoa(sandboxSSH), w.sandbox.URL()
	} else {
		if err := w.rename(cloud.file); err != nil {
			return err
		}
		vars["NETWORK"], vars["SSH_PORT"] = "public", "22"
		env.Defer(w.cleanUp)
	}
	vars["OS_CLIENT_CONFIG_FILE"] = w.file
	env.Values[worldKey{}] = w
	return complete(env, vars)
}

// complete fills in what scripts find in their environment, and packer in its variables.
func complete(env *testscript.Env, vars map[string]string) error {
	for _, name := range []string{"SOURCE_IMAGE", "FLAVOR", "NETWORK", "EXTERNAL_NETWORK", "SSH_PORT", "RUN"} {
		vars["PKR_VAR_"+strings.ToLower(name)] = vars[name]
	}
	root, home := packertest.Root(), filepath.Join(env.WorkDir, ".home")
	maps.Copy(vars, map[string]string{
		"ROOT": root, "PATH": packertest.Path(env.Getenv("PATH")),
		"PACKER_PLUGIN_PATH": filepath.Join(root, ".cache", "packer.d"), "PACKER_CACHE_DIR": filepath.Join(home, "packer"),
		"CHECKPOINT_DISABLE": "1", "PACKER_NO_COLOR": "1", "NO_COLOR": "1", "LC_ALL": "C.UTF-8",
		"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, "config"), "XDG_CACHE_HOME": filepath.Join(home, "cache"),
		"XDG_DATA_HOME": filepath.Join(home, "data"), "XDG_STATE_HOME": filepath.Join(home, "state"),
	})
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env.Setenv(name, vars[name])
	}
	return os.MkdirAll(home, 0o700)
}

// startSandbox is a sandbox with a public image that servers can be logged in to.
func startSandbox(t testing.TB) *sandbox.Cloud {
	t.Helper()
	seed := sandbox.DefaultSeed()
	seed.Images = []sandbox.Image{{
		Project: "admin", Data: rootFS(),
		Name: "tiny", Visibility: sandbox.Public, Properties: map[string]string{"os_distro": "debian"},
	}}
	// As test/openstack's are: real-1 isn't cleaned, and boots its deploy ramdisk.
	seed.Nodes = []sandbox.Node{
		{Name: "fake-1", ResourceClass: "fake", DeployInterface: "fake", NoPower: true},
		{Name: "fake-2", ResourceClass: "fake", DeployInterface: "fake", NoPower: true},
		{Name: "real-1", ResourceClass: "real", NoCleaning: true, NoPower: true},
	}
	return sandboxtest.Start(t, sandboxtest.WithGuests(t, sandbox.Options{
		Seed: seed, SSHPort: sandboxSSH, Baremetal: sandbox.Baremetal{CallbackTimeout: time.Second},
	}))
}
