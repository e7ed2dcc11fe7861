package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// ReadRecording reads how a script ended on the real OpenStack.
func ReadRecording(dir, script string) ([]Outcome, error) {
	data, err := os.ReadFile(filepath.Join(dir, script+".jsonl"))
	if err != nil {
		return nil, err
	}
	var all []Outcome
	for line := range bytes.Lines(data) {
		var o Outcome
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("%s: %w", script, err)
		}
		all = append(all, o)
	}
	return all, nil
}

// WriteRecording writes it.
func WriteRecording(dir, script string, all []Outcome) error {
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	for _, o := range all {
		if err := to.Encode(o); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, script+".jsonl"), b.Bytes(), 0o644)
}

// Compare says in what an outcome differs from the recorded one.
func Compare(got, want Outcome) []string {
	if got.Status != want.Status || got.HTTP != want.HTTP {
		return []string{fmt.Sprintf("it ends with %d %s instead of %d %s\n%s", got.Status, got.HTTP, want.Status, want.HTTP, got.Stderr)}
	}
	if got.Shape == nil && want.Shape == nil {
		return nil
	}
	return Differences("", got.Shape, want.Shape)
}
