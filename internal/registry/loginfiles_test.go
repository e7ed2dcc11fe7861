package registry_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

// askedAs is the user that a registry with basic authentication sees for ns/a; HOST in the files is the registry.
func askedAs(t *testing.T, logins *registry.LoginFiles, files map[string]string) (user string, err error) {
	t.Helper()
	w := start(t)
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		name, _, ok := r.BasicAuth()
		if !ok {
			rw.Header().Set("Www-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return true
		}
		user = name
		return false
	})
	for path, text := range files {
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "HOST", w.host)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := client(t, registry.Options{LoginFiles: logins})
	for range 2 {
		if _, _, err = c.Head(t.Context(), registry.Image{Host: w.host, Repository: "ns/a", Identifier: "1"}); err != nil {
			break
		}
	}
	return user, err
}

// login is a file with the login of one key.
func login(key, user string) string {
	return fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, key, base64.StdEncoding.EncodeToString([]byte(user+":s3cret")))
}

func TestWhichFilesLoginCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ named, first, second, want string }{
		"the named one":              {login("HOST", "named"), login("HOST", "first"), "", "named"},
		"the first of the usual":     {"", login("HOST", "first"), login("HOST", "second"), "first"},
		"one that knows the host":    {login("quay.io", "named"), login("docker.io", "first"), login("HOST", "second"), "second"},
		"a namespace's":              {"", login("HOST/ns", "first"), "", "first"},
		"the repository's":           {"", login("HOST/ns/a", "first"), "", "first"},
		"not another namespace's":    {"", login("HOST/other", "first"), login("HOST", "second"), "second"},
		"that of an older file":      {"", login("https://HOST/v1/", "first"), "", "first"},
		"not that of an empty entry": {"", `{"auths": {"HOST": {}}}`, login("HOST", "second"), "second"},
		"not that of an empty file":  {" \n", login("HOST", "first"), "", "first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := map[string]string{}
			put := func(name, text string) string {
				path := filepath.Join(dir, name)
				if text != "" {
					files[path] = text
				}
				return path
			}
			l := &registry.LoginFiles{Usual: []string{put("first", c.first), "", put("second", c.second)}}
			if c.named != "" {
				l.Named = put("named", c.named)
			}
			user, err := askedAs(t, l, files)
			if err != nil || user != c.want {
				t.Errorf("it was asked as %q, %v; want %q", user, err, c.want)
			}
		})
	}
}

// What is wrong with a file is said, with its name and without what is in it.
func TestLoginFilesThatCantBeUsed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"missing":     {"", "no such file"},
		"a folder":    {"folder", "a folder"},
		"a pipe":      {"pipe", "not a regular file"},
		"cut off":     {`{"auths": {"HOST": {"auth": "dTpzM2Ny`, "can't be read"},
		"no base64":   {`{"auths": {"HOST": {"auth": "!s3cret"}}}`, "can't be read"},
		"no password": {`{"auths": {"HOST": {"auth": "bm9jb2xvbg=="}}}`, "can't be read"},
		"endless":     {strings.Repeat(" ", 1<<20+1), "larger than 1 MiB"},
		"no helper":   {`{"credHelpers": {"HOST": "nowhere-to-be-found"}}`, "docker-credential-nowhere-to-be-found"},
		"a path":      {`{"credHelpers": {"HOST": "../../tmp/x"}}`, "no name of a program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "auth.json")
			files := map[string]string{}
			var err error
			switch c.text {
			case "":
			case "folder":
				err = os.Mkdir(path, 0o700)
			case "pipe":
				err = syscall.Mkfifo(path, 0o600)
			default:
				files[path] = c.text
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = askedAs(t, &registry.LoginFiles{Named: path}, files)
			if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, which should name the file and say %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("it shows a password: %v", err)
			}
		})
	}
}

// A helper is asked once, with the environment that it was given, and about the registry alone.
func TestACredentialHelper(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\nread -r host; echo \"$1 $host\" >> \"$ASKED\"\n" +
		`printf '{"ServerURL": "%s", "Username": "helped", "Secret": "s3cret"}' "$host"` + "\n"
	program.Write(t, filepath.Join(dir, "docker-credential-ours"), script)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	asked, path := filepath.Join(dir, "asked"), filepath.Join(dir, "config.json")
	l := &registry.LoginFiles{Usual: []string{path}, Environment: []string{"ASKED=" + asked, "PATH=" + os.Getenv("PATH")}}
	user, err := askedAs(t, l, map[string]string{path: `{"credsStore": "ours"}`})
	if err != nil || user != "helped" {
		t.Errorf("it was asked as %q, %v", user, err)
	}
	text, err := os.ReadFile(asked)
	if err != nil || strings.Count(string(text), "get 127.0.0.1:") != 1 || strings.Contains(string(text), "ns") {
		t.Errorf("the helper was asked %q, %v", text, err)
	}
}
