package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// ReadList reads a list of cases, one a line. Lines that begin with # are comments.
func ReadList(path string) (cases []Case, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		switch parts := strings.Fields(line); len(parts) {
		case 0:
		case 3:
			cases = append(cases, Case{parts[0], parts[1], parts[2]})
		default:
			return nil, fmt.Errorf("%s: %q isn't SERVICE ROLE TEST", path, lines.Text())
		}
	}
	return cases, lines.Err()
}

// comments are the lines that a list begins with.
func comments(path string) string {
	data, _ := os.ReadFile(path) // a new list has none
	var all strings.Builder
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		all.WriteString(line)
	}
	return all.String()
}

// WriteList writes a list of cases. Of those that it had, those stay that weren't run.
func WriteList(path string, cases []Case, ran func(Case) bool) error {
	old, err := ReadList(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, c := range old {
		if !ran(c) {
			cases = append(cases, c)
		}
	}
	slices.SortFunc(cases, func(a, b Case) int { return strings.Compare(a.String(), b.String()) })
	var b strings.Builder
	b.WriteString(comments(path))
	for _, c := range cases {
		fmt.Fprintln(&b, c)
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
