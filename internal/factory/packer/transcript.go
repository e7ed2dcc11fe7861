package packer

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

const (
	// longest is how much of a line is kept, in bytes.
	longest = 64 << 10
	// words is how many lines of errors make up the reason of a failure.
	words = 20
)

// transcript turns packer's machine-readable output into a log for people, and collects artifacts and errors.
type transcript struct {
	log     io.Writer
	secrets *strings.Replacer

	mu        sync.Mutex
	failed    error // to write the log
	out, err  line
	artifacts []Artifact
	builder   map[string]string // by build and number of the artifact
	fatal     []string          // why builds failed
	problems  []string          // what packer shows as errors: those of templates, but also what programs say there
	recent    string            // the last line of any kind
}

func newTranscript(log io.Writer, secrets []string) *transcript {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 4 { // shorter ones would cross out words at random
			pairs = append(pairs, s, "<sensitive>")
		}
	}
	return &transcript{log: log, secrets: strings.NewReplacer(pairs...), builder: map[string]string{}}
}

// line collects a line.
type line struct {
	bytes.Buffer
	cut bool
}

// feed calls each with every line that is complete.
func (l *line) feed(b []byte, each func(string)) {
	for len(b) > 0 {
		head, tail, complete := bytes.Cut(b, []byte{'\n'})
		if room := longest - l.Len(); len(head) > room {
			head, l.cut = head[:room], true
		}
		l.Write(head)
		if complete {
			l.end(each)
		}
		b = tail
	}
}

func (l *line) end(each func(string)) {
	text := l.String()
	if l.cut {
		text += " …"
	}
	l.Reset()
	l.cut = false
	each(strings.TrimSuffix(text, "\r"))
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out.feed(b, t.machine)
	return len(b), nil // packer isn't to die of a full disk; see failed
}

// errors is where packer's standard error goes.
func (t *transcript) errors() io.Writer { return (*stderr)(t) }

type stderr transcript

func (s *stderr) Write(b []byte) (int, error) {
	t := (*transcript)(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err.feed(b, t.plain)
	return len(b), nil
}

func (t *transcript) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l, each := range map[*line]func(string){&t.out: t.machine, &t.err: t.plain} {
		if l.Len() > 0 {
			l.end(each)
		}
	}
}

func (t *transcript) plain(text string) {
	if text != "" {
		t.say(time.Now(), text)
	}
}

var unescape = strings.NewReplacer("%!(PACKER_COMMA)", ",", `\n`, "\n", `\r`, "")

// machine handles a line: time, build, type and data, separated by commas.
func (t *transcript) machine(text string) {
	fields := strings.SplitN(text, ",", 5)
	if len(fields) < 4 {
		t.plain(text)
		return
	}
	build, kind, what, data := fields[1], fields[2], fields[3], ""
	if len(fields) == 5 {
		data = unescape.Replace(fields[4])
	}
	switch kind {
	case "ui":
		for part := range strings.SplitSeq(data, "\n") {
			if part == "" {
				continue
			}
			t.say(time.Now(), part)
			if what == "error" && len(t.problems) < words {
				t.problems = append(t.problems, t.secrets.Replace(part))
			}
		}
	case "error":
		if len(t.fatal) < words {
			why := unescape.Replace(strings.Join(fields[3:], ","))
			if build != "" {
				why = build + ": " + why
			}
			t.fatal = append(t.fatal, t.secrets.Replace(why))
		}
	case "artifact":
		// What is the artifact's number; data is a key and a value.
		key, value, _ := strings.Cut(data, ",")
		switch key {
		case "builder-id":
			t.builder[build+","+what] = value
		case "id":
			t.artifacts = append(t.artifacts, Artifact{Build: build, Builder: t.builder[build+","+what], ID: value})
		}
	}
}

// say writes a line to the log.
func (t *transcript) say(at time.Time, text string) {
	text = t.secrets.Replace(text)
	t.recent = text
	if _, err := fmt.Fprintf(t.log, "%s %s\n", at.UTC().Format(time.RFC3339), text); err != nil && t.failed == nil {
		t.failed = fault.New(fault.Internal, "", "writing the log: %w", err)
	}
}

// reason is why packer failed, as far as it has said so; its first line is the most telling one.
func (t *transcript) reason() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.fatal) > 0:
		return strings.Join(t.fatal, "\n")
	case len(t.problems) > 0:
		return strings.Join(t.problems, "\n")
	}
	return t.recent
}
