package packer

import (
	"bytes"
	"strings"
	"testing"
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

func TestVariablesAreNotEvaluated(t *testing.T) {
	t.Parallel()
	got, err := variable(map[string]string{"a": `"${env("HOME")} %{ if true }`})
	if want := `{"a":"\"$${env(\"HOME\")} %%{ if true }"}`; err != nil || got != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}
