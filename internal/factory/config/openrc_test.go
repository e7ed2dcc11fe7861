package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "auth.sh")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOpenRC(t *testing.T) {
	t.Parallel()
	got, err := OpenRC(script(t, `#!/usr/bin/env bash
# the project's
unset OS_SERVICE_TOKEN
export OS_AUTH_URL=https://cloud.example.com:5000/v3
export OS_PROJECT_NAME="images of CI" # and others
export OS_PASSWORD='it $HOME "is" \ `+"`secret`"+`'
OS_USERNAME=builder;
export OS_USER_DOMAIN_NAME="Default"
export OS_DOMAIN_NAME=$OS_USER_DOMAIN_NAME
export OS_TENANT_NAME="${OS_PROJECT_NAME}"
export OS_REGION_NAME=""
export PATH=$(evil)
if [ -z "$OS_REGION_NAME" ]; then unset OS_REGION_NAME; fi
`))
	if err != nil {
		t.Fatal(err)
	}
	want := "map[OS_AUTH_URL:https://cloud.example.com:5000/v3 OS_DOMAIN_NAME:Default OS_PASSWORD:it $HOME \"is\" \\ `secret` " +
		"OS_PROJECT_NAME:images of CI OS_TENANT_NAME:images of CI OS_USERNAME:builder OS_USER_DOMAIN_NAME:Default]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v\nwant %s", got, want)
	}
	if s := Secrets(got); len(s) != 1 || s[0] != got["OS_PASSWORD"] {
		t.Errorf("secrets %q", s)
	}
	for _, bad := range []string{
		"OS_PASSWORD=$(cat hunter2)", "OS_PASSWORD=`cat hunter2`", "OS_PASSWORD=$OS_HUNTER2", "OS_PASSWORD='hunter2", `OS_PASSWORD="a"hunter2`,
		`OS_PASSWORD=$OS_PASSWORD_INPUT`, `OS_PASSWORD=hun'ter2'`, `OS_PASSWORD="hunter2\"x"`, "OS_USERNAME=nobody",
	} {
		_, err := OpenRC(script(t, bad+"\n"))
		if err == nil || strings.Contains(strings.ToLower(err.Error()), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestCloudSecrets(t *testing.T) {
	t.Parallel()
	got, err := CloudSecrets(script(t, `
clouds:
  a: &a {auth: {username: me, password: one}}
  b: {auth: {application_credential_id: x, application_credential_secret: "two"}}
  c: *a
  d: {auth: {token: three, password: ""}}
`), "c")
	slices.Sort(got)
	if fmt.Sprint(got) != "[one three two]" || err != nil {
		t.Errorf("%v %v", got, err)
	}
	if _, err := CloudSecrets(script(t, "password: hunter2: ["), "a"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	if _, err := CloudSecrets(script(t, "clouds: {builder: {}}"), "bulder"); err == nil || !strings.Contains(err.Error(), "mean builder?") {
		t.Error(err)
	}
}
