package promote

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// inSandbox points the environment at a sandbox, as `imgctl-sandbox run` does.
func inSandbox(t *testing.T) *sandbox.Cloud {
	t.Helper()
	s := sandboxtest.Start(t, sandbox.Options{})
	t.Setenv("OS_CLIENT_CONFIG_FILE", s.CloudsYAML())
	t.Setenv("OS_CLOUD", "demo")
	return s
}

// images is a client with the project's id.
func images(t *testing.T, name string) (*glance.Client, string) {
	t.Helper()
	c, client, err := connect(t.Context(), cloud.Access{Cloud: name})
	if err != nil {
		t.Fatal(err)
	}
	return client, c.Project().ID
}

func image(t *testing.T, c *glance.Client, name string) string {
	t.Helper()
	nonce := string(cloud.NewRun())
	img, err := c.Create(t.Context(), map[string]any{
		"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private", "nonce": nonce,
	}, "nonce", nonce)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Upload(t.Context(), img.ID, strings.NewReader(name)); err != nil {
		t.Fatal(err)
	}
	return img.ID
}

// shared makes an image that member-a has accepted.
func shared(t *testing.T, c *glance.Client, name string) (id, member string) {
	t.Helper()
	id = image(t, c, name)
	a, project := images(t, "member-a")
	_, err := c.Update(t.Context(), id, glance.Patch{}.Visibility(glance.Shared))
	if err == nil {
		err = c.AddMember(t.Context(), id, project)
	}
	if err == nil {
		err = a.SetMemberStatus(t.Context(), id, project, glance.Accepted)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id, project
}

func configured(t *testing.T, config map[string]any) *PostProcessor {
	t.Helper()
	p := &PostProcessor{}
	if err := p.Configure(config); err != nil {
		t.Fatal(err)
	}
	return p
}

func ui() (packersdk.Ui, *bytes.Buffer) {
	var out bytes.Buffer
	return &packersdk.BasicUi{Reader: strings.NewReader(""), Writer: &out, ErrorWriter: &out}, &out
}

// built is the artifact of some builder.
func built(builder, id string, state map[string]any) packersdk.Artifact {
	return &packersdk.MockArtifact{BuilderIdValue: builder, IdValue: id, StateValues: state}
}

func TestPromotesTheArtifactsOfAnyBuilder(t *testing.T) {
	inSandbox(t)
	owner, _ := images(t, "demo")
	for _, c := range []struct {
		name     string
		artifact func(id string) packersdk.Artifact
	}{
		{"ours", func(id string) packersdk.Artifact {
			return built("imgctl.openstack", id, map[string]any{"image_name": "web-1"})
		}},
		{"the HashiCorp plugin's", func(id string) packersdk.Artifact { return built("mitchellh.openstack", id, nil) }},
		{"an id with a region", func(id string) packersdk.Artifact { return built("x", "RegionOne:"+id, nil) }},
		{"an id in the state", func(id string) packersdk.Artifact {
			return built("packer.file", "", map[string]any{"image_id": id})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := "web " + c.name
			old, member := shared(t, owner, name)
			fresh := image(t, owner, name+" build")
			p := configured(t, map[string]any{"cloud": "demo", "accept_with": []string{"member-a"}, "image_name": name})
			out, said := ui()

			artifact, keep, mustKeep, err := p.PostProcess(t.Context(), out, c.artifact(fresh))
			if err != nil {
				t.Fatal(err)
			}
			if !keep || !mustKeep {
				t.Error("Packer would delete the image")
			}
			if artifact.Id() != fresh || artifact.State("image_name") != name {
				t.Errorf("artifact is %s, %v", artifact.Id(), artifact.State("image_name"))
			}
			if !strings.Contains(artifact.String(), old) || !strings.Contains(said.String(), "Archiving image") {
				t.Errorf("the user isn't told: %s\n%s", artifact, said)
			}
			now, err := owner.Members(t.Context(), fresh)
			if err != nil || len(now) != 1 || now[0].ProjectID != member || now[0].Status != glance.Accepted {
				t.Errorf("members are %v, %v", now, err)
			}
		})
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	s := inSandbox(t)
	owner, _ := images(t, "demo")
	shared(t, owner, "web")
	fresh := image(t, owner, "web build")
	s.ResetRequests()
	p := configured(t, map[string]any{"cloud": "demo", "accept_with": []string{"member-a"}, "image_name": "web", "dry_run": true})
	out, said := ui()
	if _, _, _, err := p.PostProcess(t.Context(), out, built("x", fresh, nil)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), `name becomes "web"`) || !strings.Contains(said.String(), `name becomes "archive web`) {
		t.Errorf("the plan isn't shown: %s", said)
	}
	for _, q := range s.Requests() {
		if q.Method != "GET" && !strings.HasSuffix(q.Path, "/auth/tokens") {
			t.Errorf("a dry run sent %s %s", q.Method, q.Path)
		}
	}
}

func TestImageIDComesFirst(t *testing.T) {
	inSandbox(t)
	owner, _ := images(t, "demo")
	fresh := image(t, owner, "web")
	p := configured(t, map[string]any{"cloud": "demo", "image_id": fresh})
	out, _ := ui()
	artifact, _, _, err := p.PostProcess(t.Context(), out, built("x", "no image", map[string]any{"image_name": "something else"}))
	if err != nil || artifact.Id() != fresh || artifact.State("image_name") != "web" {
		t.Errorf("artifact is %v, %v", artifact, err)
	}
}

func TestArtifactsWithoutOneImage(t *testing.T) {
	inSandbox(t)
	one, two := "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	for id, want := range map[string]string{"folder/file": "carries no image id", one + "," + two: "carries several image ids"} {
		p := configured(t, map[string]any{"cloud": "demo"})
		out, _ := ui()
		if _, _, _, err := p.PostProcess(t.Context(), out, built("x", id, nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("artifact %q: error is %v, want %q", id, err, want)
		}
	}
}

func TestConfigure(t *testing.T) {
	s := inSandbox(t)
	s.ResetRequests()
	for _, c := range []struct {
		name   string
		config map[string]any
		want   string // "" = good
	}{
		{"the least", map[string]any{}, ""},
		{"everything", map[string]any{
			"image_name": "web", "archive_name": "old {{ .Name }} {{ .ID }}", "members": "copy", "member_states": "accept",
			"accept_with": []string{"member-a", "member-b"}, "visibility": "shared", "copy_properties": []string{"os_*"},
			"old_action": "hide", "keep": 3, "strategy": "pointer", "gate": []string{"true"}, "dry_run": true, "timeout": "5m",
		}, ""},
		{"values that only the build knows", map[string]any{"image_name": "<unknown>", "image_id": "<unknown>", "cloud": "<unknown>"}, ""},
		{"no credentials of its own", map[string]any{"cloud": nil}, "credentials of its own"},
		{"an empty cloud", map[string]any{"cloud": ""}, "cloud: the value is empty"},
		{"a cloud that isn't there", map[string]any{"cloud": "prod"}, `"prod"`},
		{"an accepting cloud that isn't there", map[string]any{"accept_with": []string{"prod"}}, "accept_with"},
		{"an accepting cloud without a name", map[string]any{"accept_with": []string{"member-a", ""}}, "accept_with: the value is empty"},
		{"a pattern without a letter", map[string]any{"copy_properties": []string{""}}, "copy_properties: "},
		{"a gate without a program", map[string]any{"gate": []string{""}}, "gate: "},
		{"an archive name that repeats", map[string]any{"archive_name": "old {{ .Name }}"}, "archive_name"},
		{"a wrong word", map[string]any{"members": "move"}, "members"},
		{"a misspelt option", map[string]any{"membres": "copy"}, "membres"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := map[string]any{"cloud": "demo"}
			maps.Copy(config, c.config)
			err := new(PostProcessor).Configure(config)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
	if n := len(s.Requests()); n > 0 {
		t.Errorf("configuring sent %d requests", n)
	}
}
