package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/dockerfile"
)

func parse(t *testing.T, text string) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFromIsReplaced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{
			"one stage", "# comment\nFROM a:1\nUSER root\n",
			"# comment\nFROM new\nLABEL \"modified_append_tag\"=\"-x\"\nUSER root\n",
		},
		{
			"only the last of several", "FROM a AS build\nRUN make\nFROM b AS end\nCOPY --from=build /x /x",
			"FROM a AS build\nRUN make\nFROM new\nLABEL \"modified_append_tag\"=\"-x\"\nCOPY --from=build /x /x",
		},
		{
			"over two lines, in lower case", "from \\\n  a\nuser 1",
			"FROM new\nLABEL \"modified_append_tag\"=\"-x\"\nuser 1",
		},
		{"at the end, without a newline", "FROM a", "FROM new\nLABEL \"modified_append_tag\"=\"-x\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := parse(t, c.text).From("new", map[string]string{"modified_append_tag": "-x"})
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLabelsAreTakenLiterally has values that a Dockerfile would expand or end.
func TestLabelsAreTakenLiterally(t *testing.T) {
	t.Parallel()
	value := `$HOME "quoted" back\slash`
	text := parse(t, "FROM a\nENV HOME=/h\n").From("new", map[string]string{"l": value})
	var config v1.Config
	if _, err := parse(t, string(text)).Apply(&config); err != nil {
		t.Fatal(err)
	}
	if got := config.Labels["l"]; got != value {
		t.Errorf("the label is %q, want %q", got, value)
	}
}

func TestNeedsRun(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"FROM a\nCOPY x /x\nADD y /y\nENV a=b\nLABEL c=d\nUSER u\nWORKDIR /w\nCMD x\nENTRYPOINT [\"y\"]\nEXPOSE 80\nVOLUME /v": "",
		"FROM a\nUSER root\nRUN id":       "line 3: RUN",
		"FROM a\nFROM b":                  "line 2: it has several stages",
		"FROM a\nCOPY --from=b x y":       "line 2: COPY from another stage or image",
		"FROM a\nADD https://x.test/y /y": "line 2: ADD of https://x.test/y",
		"FROM a\nHEALTHCHECK NONE":        "line 2: HEALTHCHECK",
		"FROM a\nSHELL [\"/bin/bash\"]":   "line 2: SHELL",
		"FROM a\nCOPY --chmod=u+x x y":    "line 2: COPY with the mode u+x",
		"FROM a\nCOPY <<E /x\nhi\nE\n":    "line 2: COPY of text in the Dockerfile",
	} {
		if got := parse(t, text).NeedsRun(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "file with no instructions",
		"USER root":                    "line 1: no build stage in current context",
		"FROM a\nINSTALL vim":          "line 2: unknown instruction: INSTALL",
		"FROM a\n\nCOPY x":             "line 3: COPY requires at least two arguments",
		"FROM a\nUSER":                 "line 2: USER requires exactly one argument",
		"FROM a\nRUN <<E\nno end":      "unterminated heredoc",
		strings.Repeat("#", 2<<20):     "more than 1024 KiB",
		"FROM a\nCOPY --owner=x x y":   "line 2: unknown flag: --owner",
		"FROM a\nENV a":                "line 2:",
		"FROM a\nLABEL " + "\x00=\x00": "",
	} {
		_, err := dockerfile.Parse([]byte(text))
		if want == "" {
			continue // only must not panic
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	f := parse(t, `ARG before=1
FROM a
ARG version=7
ENV PATH=/opt/bin:$PATH NAME="a b" V=${version}
LABEL who=$NAME
WORKDIR etc
COPY --chown=nova:42 --chmod=0640 one $V/two conf/
WORKDIR /srv
ADD x.conf .
USER $NAME
ENTRYPOINT serve --now
STOPSIGNAL SIGQUIT
VOLUME /data
EXPOSE 80 $V/udp
`)
	for range 2 { // of two images the second gets the same
		config := v1.Config{
			Env: []string{"PATH=/bin"}, WorkingDir: "/base", Cmd: []string{"old"}, Labels: map[string]string{"kept": "1"},
		}
		copies, err := f.Apply(&config)
		if err != nil {
			t.Fatal(err)
		}
		want := v1.Config{
			Env: []string{"PATH=/opt/bin:/bin", "NAME=a b", "V=7"}, WorkingDir: "/srv",
			Labels: map[string]string{"kept": "1", "who": "a b"}, User: "a b", Entrypoint: []string{"/bin/sh", "-c", "serve --now"},
			StopSignal: "SIGQUIT", Volumes: map[string]struct{}{"/data": {}},
			ExposedPorts: map[string]struct{}{"80/tcp": {}, "7/udp": {}},
		}
		if diff := cmp.Diff(want, config); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]dockerfile.Copy{
			{Line: 7, Sources: []string{"one", "7/two"}, Dest: "/base/etc/conf/", Owner: "nova:42", Mode: 0o640},
			{Line: 9, Sources: []string{"x.conf"}, Dest: "/srv/./", Mode: -1, Add: true},
		}, copies); diff != "" {
			t.Error(diff)
		}
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	user, line := parse(t, "FROM a\nUSER root\nCOPY x /x\nUSER nova\n").User()
	if user != "nova" || line != 4 {
		t.Errorf("got %q in line %d", user, line)
	}
	for user, want := range map[string]bool{"": true, "root": true, "0": true, "0:0": true, "root:root": true, "nova": false, "1": false} {
		if got := dockerfile.IsRoot(user); got != want {
			t.Errorf("IsRoot(%q) is %v", user, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"FROM a\nCOPY x /x\nUSER nova", "# escape=`\nFROM a\nENV a=b` c", "FROM a AS b\nRUN --mount=type=bind x", "FROM a\nRUN <<E\nx\nE",
		"ARG a\nFROM $a\nLABEL \"x\"=\"$y\"", "FROM a\nCOPY [\"a\",\"b\"]\nVOLUME [\"/x\"]\nEXPOSE ${x:-80}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := dockerfile.Parse(text)
		if err != nil {
			return
		}
		file.Copies()
		file.User()
		again := file.From("new", map[string]string{"l": "v"})
		if _, err := dockerfile.Parse(again); err != nil {
			t.Errorf("with another FROM it can't be read: %v\n%q\n%q", err, text, again)
		}
		if file.NeedsRun() == "" {
			_, _ = file.Apply(&v1.Config{})
		}
	})
}
