package host_test

import (
	"strings"
	"testing"
)

// --debug shows each message between host and plugin, -vv none.
func TestDebugShowsTheMessages(t *testing.T) {
	t.Parallel()
	w, _ := withCloud(t, "OS_CLOUD=demo", "DEMO_TEXT=a text")
	write(t, w.path(".config/imgctl/config.yaml"), "plugins: {demo: {level: 3, login: {password: hunter2}}}\n")
	write(t, w.path("password"), "demo\n")
	for _, c := range []struct {
		args          string
		want, mustNot []string
	}{
		{
			"demo flags demo --force --password " + w.path("password"),
			[]string{
				` to demo: start {"path":["demo","flags"],"args":["demo"],`, `{"name":"text","isSet":true,"stringValue":"a text"}`,
				`{"name":"password","isSet":true,"stringValue":"[redacted]"}`, ` from demo: fields {`, ` from demo: done {"outcome":"OUTCOME_SUCCEEDED"`,
			},
			[]string{`"stringValue":"demo"`},
		},
		{"demo show", []string{`"config":{"level":3,"login":{"password":"[redacted]"}}`}, nil},
		{
			"demo cloud", []string{
				` from demo: cloud_request {"id":"cloud-1"`, ` to demo: cloud_reply {"id":"cloud-1","access":{"name":"demo",`, `"token":"[redacted]"`, `"catalog":"(`,
			}, nil,
		},
		{"demo raw", []string{` from demo: stdin_request {}`, ` to demo: stdin (0 bytes), eof true`, ` from demo: chunk (`, `"HOME":"[redacted]"`}, nil},
		{"demo fail not-found", []string{` from demo: done {"outcome":"OUTCOME_FAILED","problem":{"kind":"PROBLEM_KIND_NOT_FOUND"`}, nil},
		{"demo fail exit", []string{` to demo: start {`, "the last words"}, []string{"from demo: done"}},
	} {
		args := strings.Fields(c.args)
		r := w.run(append(args, "--debug")...)
		for _, want := range c.want {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("imgctl %s --debug doesn't show %s:\n%s", c.args, want, r.stderr)
			}
		}
		for _, not := range c.mustNot {
			if strings.Contains(r.stderr, not) {
				t.Errorf("imgctl %s --debug shows %s:\n%s", c.args, not, r.stderr)
			}
		}
		plain := w.run(append(args, "-vv")...)
		if plain.stdout != r.stdout || plain.code != r.code || strings.Contains(plain.stderr, " to demo:") {
			t.Errorf("imgctl %s -vv ends with %d (--debug: %d), and shows\n%s%s", c.args, plain.code, r.code, plain.stdout, plain.stderr)
		}
	}
}
