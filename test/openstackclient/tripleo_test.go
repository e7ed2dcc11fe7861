package openstackclient_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// store is a registry; with a password, user u has to give it.
func store(t *testing.T, password string) string {
	t.Helper()
	plain := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); password != "" && (u != "u" || p != password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		plain.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// The lines of python-tripleoclient's documentation and tests, unchanged but for the hosts.
func TestTripleOCommands(t *testing.T) {
	t.Parallel()
	w := &world{sandboxtest.Start(t, sandbox.Options{}), t, install(t)}
	source, target := store(t, ""), store(t, "p-word")
	for _, name := range []string{"foo", "bar"} {
		image, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := crane.Push(image, source+"/namespace/"+name+":latest"); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	environment, roles := filepath.Join(dir, "containers.yaml"), filepath.Join(dir, "roles.yaml")
	for file, text := range map[string]string{
		environment: "parameter_defaults:\n  ContainerImagePrepare:\n  - set: {namespace: quay.io/t, tag: cur}\n",
		roles:       "- {name: Controller, CountDefault: 1, ServicesDefault: ['OS::TripleO::Services::Redis']}\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output, messages := filepath.Join(dir, "images.yaml"), filepath.Join(dir, "prepare.log")
	login := " --registry-url " + target + " --username u --password p-word"
	for _, tt := range []struct {
		name, args     string
		status         int
		stdout, stderr []string
	}{
		{
			"prepare", "prepare -e " + environment + " -r " + roles + " --dry-run --cleanup none --log-file " + messages, 0,
			[]string{"parameter_defaults:\n", "  ContainerRedisImage: quay.io/t/openstack-redis:cur\n"},
			nil,
		},
		{"prepare into a file", "prepare -e " + environment + " --roles-file " + roles + " --output-env-file " + output, 0, nil, nil},
		{"prepare nothing known", "prepare -e " + environment + " --cleanup some", 2, nil, []string{"'full', 'partial', 'none'"}},
		{
			"a default", "prepare default --local-push-destination --enable-registry-login --output-env-file " + output, 0,
			[]string{"# Generated with the following on ", "push_destination: true", "ContainerImageRegistryLogin: true"},
			[]string{"ContainerImageRegistryCredentials"},
		},
		{"push", "push " + source + "/namespace/foo --append-tag=-x" + login, 0, nil, nil},
		{"push, dry", "push " + source + "/namespace/bar --dry-run" + login, 0, nil, []string{"/namespace/bar"}},
		{"push with another password", "push " + source + "/namespace/bar" + strings.Replace(login, "p-word", "other", 1), 6, nil, nil},
		{
			"push from this machine's storage", "push containers-storage:docker.io/namespace/missing" + login, 4, nil,
			[]string{"reading docker.io/namespace/missing:latest with skopeo"},
		},
		{"list", "list" + login, 0, []string{"| Image Name ", "| docker://" + target + "/namespace/foo:latest-x |"}, nil},
		{"list values", "list -f value" + login, 0, []string{"docker://" + target + "/namespace/foo:latest-x\n"}, nil},
		{
			"show is JSON", "show docker://" + target + "/namespace/foo:latest-x --username u --password p-word", 0,
			[]string{"{\n  \"Name\": \"" + target + "/namespace/foo\"", `"RepoTags": [`, `"Tag": "latest-x"`},
			nil,
		},
		{"delete, and nobody to ask", "delete " + target + "/namespace/foo:latest-x" + login, 2, nil, []string{"pass --yes"}},
		{"delete", "delete " + target + "/namespace/foo:latest-x --yes" + login, 0, nil, nil},
		{"delete nothing", "delete " + target + "/namespace/none:x --yes" + login, 4, nil, []string{"not found"}},
		{"hotfix without packages", "hotfix --image " + source + "/namespace/foo", 2, nil, []string{"--rpms-path"}},
		{
			"hotfix with no packages in the folder", "hotfix --image " + target + "/namespace/foo:latest-x --rpms-path " + dir +
				" --tag fix --username u --password p-word", 4, nil, []string{dir},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath("skopeo"); err != nil && strings.Contains(tt.args, "containers-storage:") {
				t.Skip("skopeo isn't installed: apt-get install skopeo")
			}
			status, stdout, stderr := w.run(append(strings.Fields("tripleo container image"), strings.Fields(tt.args)...)...)
			if status != tt.status {
				t.Errorf("status %d, want %d\n%s%s", status, tt.status, stdout, stderr)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q isn't in\n%s", want, stdout)
				}
			}
			if tt.stdout == nil && strings.TrimSpace(stdout) != "" {
				t.Errorf("printed %q", stdout)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q isn't in\n%s", want, stderr)
				}
			}
			if strings.Contains(stdout+stderr, "p-word") {
				t.Errorf("shows the password:\n%s%s", stdout, stderr)
			}
		})
	}
	before, err := os.ReadFile(output + ".backup")
	if err != nil || !strings.Contains(string(before), "ContainerRedisImage: quay.io/t/openstack-redis:cur") {
		t.Errorf("the file before is %s, %v", before, err)
	}
	if _, err := os.Stat(messages); err != nil {
		t.Error(err)
	}
	status, stdout, stderr := w.run("complete")
	if status != 0 || !strings.Contains(stdout, "tripleo_container_image_push=") {
		t.Errorf("status %d: %s", status, stderr)
	}
}
