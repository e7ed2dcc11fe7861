package packer

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func TestTranscript(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newTranscript(&log, []string{"hunter22"})
	for _, part := range []string{
		"1,,ui,say,==> a.web: one%!(PACKER_COMMA) hunt", "er22\\ntwo\n1,,ui,error,Build 'a.web' errored: hunter22 is wrong\n",
		"1,a.web,artifact,0,builder-id,x.openstack\n1,a.web,artifact,0,id,4711\nnot packer's\n", strings.Repeat("y", longest+100),
	} {
		if _, err := s.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	s.close()
	var lines []string
	for line := range strings.Lines(log.String()) {
		_, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		lines = append(lines, text)
	}
	want := []string{
		"==> a.web: one, <sensitive>", "two", "Build 'a.web' errored: <sensitive> is wrong", "not packer's", strings.Repeat("y", longest) + " …",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("log:\n%s", strings.Join(lines, "\n"))
	}
	if s.reason() != want[2] || len(s.artifacts) != 1 || s.artifacts[0] != (Artifact{"a.web", "x.openstack", "4711"}) {
		t.Errorf("reason %q, artifacts %v", s.reason(), s.artifacts)
	}
}

// Programs that a build runs say a lot on standard error, before and after what counts.
func TestTheReasonIsWhyTheBuildFailed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ said, want string }{
		{
			"1,,ui,error,==> a.web: a complaint\n1,,ui,error,Build 'a.web' errored after 1 second: exit 3%!(PACKER_COMMA) not 0\n" +
				"1,,ui,error,\\n==> Some builds didn't complete successfully and had errors:\n" +
				"1,a.web,error,exit 3%!(PACKER_COMMA) not hunter22\n1,,ui,error,--> a.web: exit 3\n1,,ui,say,\\n==> Builds finished\n",
			"a.web: exit 3, not <sensitive>",
		},
		{"1,,ui,error,Error: Unset variable\\n\\n  on a.pkr.hcl line 1\\n\n1,,ui,say,bye\n", "Error: Unset variable\n  on a.pkr.hcl line 1"},
		{"one\nPacker crashed\n", "Packer crashed"},
	} {
		s := newTranscript(&bytes.Buffer{}, []string{"hunter22"})
		_, _ = s.Write([]byte(c.said))
		s.close()
		if got := s.reason(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, mode := range map[string]os.FileMode{"packer": 0o700, "text": 0o600} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for program, want := range map[string]string{
		"./packer": dir + "/packer", "packer": dir + "/packer", "./text": "", "text": "", "./nothing": "", "nothing": "", dir + "/": "",
	} {
		got, err := Build{Program: program, Env: map[string]string{"PATH": "." + string(os.PathListSeparator) + dir}}.Find()
		if got != want || (want == "") != fault.Is(err, fault.Usage) {
			t.Errorf("%s: %q, %v", program, got, err)
		}
	}
}

func TestVariablesAreNotEvaluated(t *testing.T) {
	t.Parallel()
	got, err := variable(map[string]string{"a": `"${env("HOME")} %{ if true }`})
	if want := `{"a":"\"$${env(\"HOME\")} %%{ if true }"}`; err != nil || got != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}
