package modify_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

var limits transfer.Options

func TestWrongVariables(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	type vars = map[string]any
	for _, c := range []struct {
		vars vars
		want string
	}{
		{vars{}, "modify_dir_path is missing"},
		{vars{"modify_dir_path": 7}, "no such file or directory"},
		{vars{"modify_dir_path": []any{"x"}}, "modify_dir_path has to be text, not a list"},
		{vars{"modify_dir_path": ""}, "modify_dir_path is empty"},
		{vars{"modify_dir_path": folder + ":/etc"}, "modify_dir_path has a character"},
		{vars{"modify_dir_path": folder}, "Dockerfile"},
		{vars{"tasks_from": "yum_upgrade.yml"}, `tasks_from "yum_upgrade" is unknown: known are modify_image, rpm_install`},
		{vars{"tasks_from": vars{}}, "tasks_from has to be text, not a mapping"},
		{vars{"tasks_from": "rpm_install.yml"}, "rpms_path is missing"},
		{vars{"tasks_from": "rpm_install.yml", "rpms_path": folder}, "there is no *.rpm in"},
		{vars{"tasks_from": "yum_update", "compare_host_packages": "perhaps"}, "compare_host_packages has to be true or false"},
		{vars{"tasks_from": "yum_update", "update_repo": "a b"}, "which is no repository's name"},
		{vars{"tasks_from": "yum_install"}, "yum_packages is missing"},
		{vars{"tasks_from": "yum_install", "yum_packages": vars{}}, "yum_packages has to be a list, not a mapping"},
		{vars{"tasks_from": "yum_install", "yum_packages": []any{"vim", "-y; rm -rf /"}}, "which is no package's name"},
		{vars{"tasks_from": "dev_install"}, "there is nothing to install"},
		{vars{"tasks_from": "dev_install", "refspecs": "x"}, "refspecs has to be a list of mappings"},
		{vars{"tasks_from": "dev_install", "refspecs": []any{vars{"project": "--upload-pack=x"}}}, "which is no project's name"},
		{vars{"tasks_from": "dev_install", "refspecs": []any{vars{"project": "../x"}}}, "which is no project's name"},
		{vars{"tasks_from": "dev_install", "refspecs": []any{vars{"project": "nova", "refspec": "-x"}}}, "which is no reference"},
		{vars{"tasks_from": "dev_install", "refspecs": []any{vars{"project": "nova"}}, "git_remote": "ext::sh -c id"}, "git_remote has to be a URL"},
	} {
		_, err := modify.Check([]modify.Job{{Role: modify.Role, Vars: c.vars, At: "site.yaml:3:5"}}, modify.Options{Folder: folder})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "entry at site.yaml:3:5: ") {
			t.Errorf("%v: %v, want %q", c.vars, err, c.want)
		}
	}
}

func TestUnknownRole(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nENV a=b"})
	job := w.job("nova-compute:1", nil)
	job.Role = "site-harden"
	w.rule(nil)
	_, err := modify.NewPlan(t.Context(), w.c, nil, []modify.Job{w.job("nova-compute:1", nil), job}, w.o, limits)
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), `modify_role "site-harden" is unknown: known are tripleo-modify-image`) {
		t.Errorf("got %v", err)
	}
	if len(w.requests) > 0 {
		t.Errorf("it asked for %q", w.requests)
	}
}

func TestUnknownVariablesAreNoted(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nENV a=b"})
	notes, err := modify.Check([]modify.Job{w.job("a:1", map[string]any{
		"modify_dir_path": w.context, "modify_dir_paht": "x", "tasks_from": "modify_image.yml",
	})}, w.o)
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "modify_dir_paht has no effect: modify_dir_path is meant?") {
		t.Errorf("got %q, %v", notes, err)
	}
}

func TestTwoChangesOfOneTarget(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nENV a=b", "other/Dockerfile": "FROM x\nENV a=c"})
	one, two := w.job("nova-compute:1", nil), w.job("nova-compute:1", map[string]any{"modify_dir_path": w.context + "/other"})
	_, err := modify.NewPlan(t.Context(), w.c, nil, []modify.Job{one, two}, w.o, limits)
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "would both become") {
		t.Errorf("got %v", err)
	}
}
