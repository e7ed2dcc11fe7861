package cloudsyaml

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// machine makes a home, a working folder and an environment with these files and variables.
func machine(t *testing.T, files map[string]string, env map[string]string) string {
	t.Helper()
	s := scenario{files: files, Env: env}
	s.write(t)
	s.read(t)
	siteFolder = filepath.Join(s.Root, "site")
	return s.Root
}

const simple = `clouds: {t: {auth: {auth_url: 'https://x', username: u, password: p, project_name: own}, region_name: Own}}`

func TestAFileThatAVariableNamesHasToBeThere(t *testing.T) {
	for _, variable := range []string{"OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLIENT_VENDOR_FILE"} {
		root := machine(t, map[string]string{"cwd/clouds.yaml": simple}, nil)
		for _, path := range []string{filepath.Join(root, "no-such.yaml"), filepath.Join(root, "home")} {
			t.Setenv(variable, path)
			if _, err := Read(); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), variable) ||
				!strings.Contains(err.Error(), path) {
				t.Errorf("%s=%s: %v", variable, path, err)
			}
		}
		t.Setenv(variable, "")
	}
}

func TestAFileThatMayNotBeReadIsPassedOverAndNamed(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root may read everything")
	}
	root := machine(t, map[string]string{"cwd/clouds.yaml": simple, "site/clouds.yaml": "clouds: {s: {}}"}, nil)
	if err := os.Chmod(filepath.Join(root, "cwd/clouds.yaml"), 0); err != nil {
		t.Fatal(err)
	}
	c, err := Read()
	if err != nil || len(c.Names()) != 1 || c.Names()[0] != "s" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := c.Entry("t", "", Default); err == nil || !strings.Contains(err.Error(), "clouds.yaml can't be read") {
		t.Error(err)
	}
}

func TestOneSecureFileBesideTheNamedOne(t *testing.T) {
	root := machine(t, map[string]string{
		"a/clouds.yaml": simple, "a/secure.yaml": "clouds: {t: {auth: {password: beside}}}",
		"cwd/secure.yaml": "clouds: {t: {auth: {password: here}}}",
	}, map[string]string{"OS_CLIENT_CONFIG_FILE": "ROOT/a/clouds.yaml"})
	c, err := Read()
	if err != nil {
		t.Fatal(root, err)
	}
	if e, err := c.Entry("t", "", Default); err != nil || e.Auth["password"] != "beside" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Variables are about the default cloud; they complete a named one and leave others alone.
func TestWhoseVariablesTheyAre(t *testing.T) {
	const half = `clouds: {t: {auth: {auth_url: 'https://x', username: u}, region_name: Own, interface: internal}, full: {auth: {auth_url: 'https://x', application_credential_id: a}}}`
	for _, tt := range []struct {
		name                               string
		env                                map[string]string
		role                               Role
		entry, region, face, project, pass string
	}{
		{"default", map[string]string{
			"OS_CLOUD": "t", "OS_REGION_NAME": "R", "OS_INTERFACE": "public", "OS_PROJECT_NAME": "P",
			"OS_PASSWORD": "x",
		}, Default, "t", "R", "public", "P", "x"},
		{
			"named",
			map[string]string{"OS_REGION_NAME": "R", "OS_INTERFACE": "public", "OS_PROJECT_NAME": "P", "OS_PASSWORD": "x"},
			Named,
			"t", "Own", "internal", "", "x",
		},
		{
			"other",
			map[string]string{"OS_REGION_NAME": "R", "OS_INTERFACE": "public", "OS_PROJECT_NAME": "P", "OS_PASSWORD": "x"},
			Other,
			"t", "Own", "internal", "", "",
		},
		{
			"another cloud's variables",
			map[string]string{"OS_AUTH_URL": "https://y", "OS_PROJECT_NAME": "P", "OS_PASSWORD": "x"},
			Default,
			"t", "Own", "internal", "", "",
		},
		{"a password beside an application credential", map[string]string{"OS_PASSWORD": "x"}, Default, "full", "", "", "", ""},
	} {
		machine(t, map[string]string{"cwd/clouds.yaml": half}, tt.env)
		c, err := Read()
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Entry(tt.entry, "", tt.role)
		if err != nil || e.Region != tt.region || e.Interface() != tt.face || e.Auth["project_name"] != tt.project ||
			e.Auth["password"] != tt.pass {
			t.Errorf("%s: %+v, %v", tt.name, e, err)
		}
		for name := range tt.env {
			t.Setenv(name, "")
		}
	}
}

func TestATextStaysWhatItIs(t *testing.T) {
	for text, want := range map[string]string{
		"0123": "0123", "1e5": "1e5", "yes": "yes",
		"12345678901234567890123": "12345678901234567890123", "2024-01-01": "2024-01-01",
	} {
		machine(t, map[string]string{"cwd/clouds.yaml": "clouds: {t: {auth: {auth_url: 'https://x', username: u, password: " + text +
			"}}}"}, nil)
		c, err := Read()
		if err != nil {
			t.Fatal(err)
		}
		if e, err := c.Entry("t", "", Default); err != nil || e.Auth["password"] != want {
			t.Errorf("password: %s is %q, %v", text, e.Auth["password"], err)
		}
	}
}

func TestAWordThatIsNeitherTrueNorFalse(t *testing.T) {
	machine(t, map[string]string{"cwd/clouds.yaml": "clouds: {t: {verify: maybe}}"}, nil)
	c, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Entry("t", "", Default)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Verify(); err == nil || !strings.Contains(err.Error(), `verify: "maybe"`) {
		t.Error(err)
	}
}

// A file may be meant to fill the memory.
func TestAliasesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for n := 1; n < 9; n++ {
		b.WriteString("a" + string(rune('0'+n)) + ": &a" + string(rune('0'+n)) + " [")
		b.WriteString(strings.Repeat("*a"+string(rune('0'+n-1))+", ", 9) + "*a" + string(rune('0'+n-1)) + "]\n")
	}
	if _, err := parse([]byte(b.String()), false); err == nil {
		t.Error("a billion laughs were read")
	}
	if _, err := parse([]byte(strings.Repeat("[", 5000)), false); err == nil {
		t.Error("5,000 lists in one another were read")
	}
}

func TestAnEntryThatIsNotThere(t *testing.T) {
	machine(t, map[string]string{"cwd/clouds.yaml": simple}, nil)
	c, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Entry("x", "", Default)
	if missing, is := errors.AsType[*NoEntry](err); !is || missing.File == "" || len(missing.Names) != 1 {
		t.Error(err)
	}
}

// Whatever stands in the files, reading them ends, with entries or an error.
func FuzzRead(f *testing.F) {
	f.Add(simple, "clouds: {t: {auth: {password: x}}}", "public-clouds: {}", "t", "")
	f.Add("clouds: {t: {profile: p, regions: [{name: a, values: {auth: {}}}]}}", "",
		"public-clouds: {p: {auth: {auth_url: '{region_name}{'}}}", "t", "a")
	f.Add("clouds: {t: &t {<<: *t}}", "{", "[]", "t", "")
	f.Add("clouds: {t: {auth: 1, region_name: [{}]}}", "clouds: {t: 1}", "public-clouds: {t: 1}", "t", "b")
	f.Fuzz(func(t *testing.T, clouds, secure, public, name, region string) {
		c := &Config{envName: "envvars"}
		for _, in := range []struct {
			text, section string
			to            *tree
		}{{clouds, "clouds", &c.clouds}, {secure, "clouds", &c.clouds}, {public, "public-clouds", &c.vendors}} {
			for _, isJSON := range []bool{false, true} {
				parsed, err := parse([]byte(in.text), isJSON)
				if err != nil {
					continue
				}
				section, err := file{"f", parsed}.section(in.section)
				if err == nil {
					*in.to = merged(*in.to, section)
				}
			}
		}
		for _, name := range append(c.Names(), name) {
			e, err := c.Entry(name, region, Other)
			if err != nil {
				continue
			}
			_, _ = e.Verify()
			_, _ = e.AllowHTTP()
			_ = e.Interface() + e.CACert() + e.Cert() + e.Key() + e.Service("block-storage", "endpoint_override") + e.MissingURL()
		}
	})
}
