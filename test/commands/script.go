package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Script is typical use of a family of commands: a file of scripts/, a step a line.
//
//	with --os-volume-api-version 3.70   options of the client for all that the script runs
//	file rules [{"local":[]}]           a file with this content, whose path is $rules from here on
//	as admin                            the role of what follows; at first it is member
//	network create osc-a -> net         a command; its id is $net from here on
//	wait server show osc-b status=ACTIVE    repeats a command until it shows this
//	gone server show osc-b              repeats a command until it fails
//	# a comment
//
// Words are separated by spaces. In them, $NAME is what the script or the cloud gives the name to.
type Script struct {
	Name  string
	Steps []Step

	Options []string          // of the client
	Files   map[string]string // their contents, by the variables that have their paths
}

// Step is a line of a script.
type Step struct {
	Line  int
	Role  string
	Verb  string // empty, wait or gone
	Words []string
	Field string // waited for
	Value string
	Into  string // variable that gets the id
}

// String is the command.
func (s Step) String() string { return strings.Join(s.Words, " ") }

// ReadScripts reads a folder of scripts.
func ReadScripts(dir fs.FS) ([]Script, error) {
	names, err := fs.Glob(dir, "*.txt")
	if err != nil {
		return nil, err
	}
	var all []Script
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		s := Script{Name: strings.TrimSuffix(filepath.Base(name), ".txt"), Files: map[string]string{}}
		if err = s.parse(string(data)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (s *Script) parse(text string) error {
	role := "member"
	for n, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
			continue
		case len(words) == 2 && words[0] == "as":
			role = words[1]
			continue
		case words[0] == "with":
			s.Options = append(s.Options, words[1:]...)
			continue
		}
		if words[0] == "file" && len(words) == 3 {
			s.Files[words[1]] = words[2]
			continue
		}
		step := Step{Line: n + 1, Role: role}
		if words[0] == "wait" || words[0] == "gone" {
			step.Verb, words = words[0], words[1:]
		}
		if step.Verb == "wait" {
			var ok bool
			last := len(words) - 1
			if step.Field, step.Value, ok = strings.Cut(words[last], "="); !ok {
				return fmt.Errorf("line %d: %q isn't FIELD=VALUE", n+1, words[last])
			}
			words = words[:last]
		}
		if at := len(words) - 2; at > 0 && words[at] == "->" {
			step.Into, words = words[at+1], words[:at]
		}
		step.Words = words
		s.Steps = append(s.Steps, step)
	}
	return nil
}

// Command is the client's command that a step runs: the longest of names that it begins with.
func (s Step) Command(names []string) string {
	for n := len(s.Words); n > 0; n-- {
		if name := strings.Join(s.Words[:n], " "); slices.Contains(names, name) {
			return name
		}
	}
	return ""
}

// expanded are the words with variables in place.
func (s Step) expanded(vars map[string]string) []string {
	words := make([]string, len(s.Words))
	for n, w := range s.Words {
		words[n] = os.Expand(w, func(name string) string { return vars[name] })
	}
	return words
}
