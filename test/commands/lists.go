package main

import (
	"fmt"
	"os"
	"strings"
)

// ReadDifferences reads in which steps the sandbox differs, and why, by script: lines SCRIPT, STEP and REASON, with tabs
// between them. Lines that begin with # are comments.
func ReadDifferences(path string) (map[string]map[string]string, error) {
	lines, err := tabbed(path, 3)
	if err != nil {
		return nil, err
	}
	known := map[string]map[string]string{}
	for _, l := range lines {
		if known[l[0]] == nil {
			known[l[0]] = map[string]string{}
		}
		known[l[0]][l[1]] = l[2]
	}
	return known, nil
}

// ReadUntried reads the commands that no script runs, and why: lines COMMAND and REASON, with a tab between them.
func ReadUntried(path string) (map[string]string, error) {
	lines, err := tabbed(path, 2)
	if err != nil {
		return nil, err
	}
	untried := map[string]string{}
	for _, l := range lines {
		untried[l[0]] = l[1]
	}
	return untried, nil
}

func tabbed(path string, n int) (all [][]string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "\t")
		if len(parts) != n {
			return nil, fmt.Errorf("%s: %q doesn't have %d parts with tabs between them", path, line, n)
		}
		all = append(all, parts)
	}
	return all, nil
}
