package config

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// likePython are files that Python reads, and that have to mean the same here.
var likePython = map[string]string{
	"delimiters":    "[a]\nx = 1\ny: 2\nz=a=b:c\nw : http://h/p?q=1\n",
	"comments":      "# c\n[a]\n; c\nx = 1 ; not a comment\n  # c\ny = 2 # neither\n",
	"case":          "[A]\nQueue = Q\n[a]\nqueue = q\n",
	"continuation":  "[a]\nx = 1\n  2\n\n  3\n# c\n\t4\ny = 5\n",
	"after empty":   "[a]\nx = 1\n\ny = 2\n\n\n[b]\nz = 3\n\n",
	"indented":      "[a]\n  x = 1\n    more\n  y = 2\nz = 3\n",
	"default":       "[DEFAULT]\nroot = /srv\n[a]\nx = %(root)s/%(y)s\ny = 50%%\n[DEFAULT]\nmore = 1\n",
	"quotes":        "[a]\nx = \"1\"\ny = 'b'\nz = `c`\nw = \"\"\"d\n",
	"backslash":     "[a]\nx = 1\\\ny = C:\\dir\n",
	"empty values":  "[a]\nx =\ny:\nz = 1\n",
	"brackets":      "[a]b]\nx = 1\n[ c ]\ny = 2\n",
	"crlf":          "[a]\r\nx = 1\r\ny = 2\r\n",
	"spaces in key": "[a]\nan x = 1\n",
	"nothing":       "",
}

func TestLikePython(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3, whose configparser is compared with")
	}
	for name, text := range likePython {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), python, "-c", `
import configparser, json, sys
c = configparser.ConfigParser()
c.read_string(sys.stdin.buffer.read().decode().replace("\r\n", "\n"))
print(json.dumps({s: dict(c.items(s)) for s in c.sections()}))`)
			cmd.Stdin = strings.NewReader(text)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.Bytes())
			}
			want := map[string]map[string]string{}
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			f, err := parseINI("config.ini", text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, all(t, f)); diff != "" {
				t.Errorf("Python reads another thing:\n%s", diff)
			}
		})
	}
}

func all(t *testing.T, f *ini) map[string]map[string]string {
	t.Helper()
	values := map[string]map[string]string{}
	for section, entries := range f.sections {
		if section == defaults {
			continue
		}
		values[section] = map[string]string{}
		for _, from := range []map[string]entry{f.sections[defaults], entries} {
			for key := range from {
				value, _, _, err := f.get(section, key)
				if err != nil {
					t.Fatal(err)
				}
				values[section][key] = value
			}
		}
	}
	return values
}

func TestBadINI(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"x = 1\n":                         "config.ini:1: a key needs a section before it",
		"[a]\nx\n":                        "config.ini:2: this is not a line such as KEY = value",
		"[a]\n= 1\n":                      "config.ini:2: this is not a line such as KEY = value",
		"[a]\nx = 1\nX = 2\n":             "config.ini:3: X is duplicate; it is first on line 2",
		"[a]\n[b]\n[a]\n":                 "config.ini:3: section [a] is duplicate",
		"[a]\nx = \xff\n":                 "config.ini: this is not UTF-8",
		"[global]\nqueue = %(nothing)s\n": "config.ini:2: queue refers to nothing, which isn't set",
		"[global]\nqueue = %(queue)s\n":   "config.ini:2: queue refers to itself",
		"[global]\nqueue = %(b)s\nb=%(c)s\nc=%(b)s\n":               "refers to itself",
		"[global]\nqueue = " + strings.Repeat("x", most+1) + "%%\n": "queue has more than 65536 bytes",
	} {
		_, err := Read(write(t, text))
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, expected %s", text, err, want)
		}
	}
	// References that double each other must not fill the memory.
	var bomb strings.Builder
	bomb.WriteString("[global]\nqueue = %(k40)s\nk0 = xxxxxxxxxx\n")
	for n := 1; n <= 40; n++ {
		p := "%(k" + itoa(n-1) + ")s"
		bomb.WriteString("k" + itoa(n) + " = " + p + p + "\n")
	}
	if _, err := Read(write(t, bomb.String())); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "more than") {
		t.Errorf("references that double each other: %v", err)
	}
}

func FuzzINI(f *testing.F) {
	for _, text := range likePython {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if file, err := parseINI(filepath.Base("config.ini"), text); err == nil {
			for section, entries := range file.sections {
				for key := range entries {
					_, _, _, _ = file.get(section, key)
				}
			}
		}
	})
}
