package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Cloud is where scripts run.
type Cloud struct {
	File  string            // clouds.yaml
	Roles map[string]string // its entries, by the role of scripts
	Vars  map[string]string // what scripts may use

	Patience time.Duration // the longest to wait for a state
}

// Outcome is how a step ended.
type Outcome struct {
	Step   string `json:"step"`
	Status int    `json:"status"`
	HTTP   string `json:"http,omitempty"` // the status that a failing command names
	Shape  any    `json:"shape,omitempty"`

	Stderr string `json:"-"`
}

var statusOf = regexp.MustCompile(`\(HTTP (\d{3})\)|\b(\d{3}): (?:Client|Server) Error|Exception: (\d{3})`)

// Run runs a script. Steps that only wait have no outcome.
func (s Script) Run(ctx context.Context, cloud Cloud, say func(string)) ([]Outcome, error) {
	home, err := os.MkdirTemp("", "imgctl-commands-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	clients := map[string]*Client{}
	defer func() {
		for _, c := range clients {
			_ = c.Close() // what it has to say it has said
		}
	}()
	vars := maps.Clone(cloud.Vars)
	if vars == nil {
		vars = map[string]string{}
	}
	files := maps.Clone(s.Files)
	files["file"] = strings.Repeat("a file\n", 1000)
	for name, text := range files {
		vars[name] = filepath.Join(home, name)
		if err := os.WriteFile(vars[name], []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	var all []Outcome
	for _, step := range s.Steps {
		as := cloud.Roles[step.Role]
		if as == "" {
			return all, fmt.Errorf("%s:%d: there is no role %q", s.Name, step.Line, step.Role)
		}
		if clients[as] == nil {
			if clients[as], err = Start(ctx, cloud.File, as, home, s.Options...); err != nil {
				return all, err
			}
		}
		begun := time.Now()
		a, err := step.run(ctx, clients[as], vars, cloud.Patience)
		if err != nil {
			return all, fmt.Errorf("%s:%d: %w", s.Name, step.Line, err)
		}
		if say != nil {
			say(fmt.Sprintf("%d %s:%d: %s (%s) %s", a.Status, s.Name, step.Line, step, time.Since(begun).Round(time.Millisecond), a.Stderr))
		}
		shown := decoded(a.Stdout)
		if fields, ok := shown.(map[string]any); ok && step.Into != "" {
			for _, key := range []string{"id", "ID", "uuid"} {
				if id, ok := fields[key].(string); ok {
					vars[step.Into] = id
				}
			}
		}
		if step.Verb == "" {
			o := Outcome{Step: step.Role + ": " + step.String(), Status: a.Status, Stderr: a.Stderr}
			if m := statusOf.FindStringSubmatch(a.Stderr); m != nil && a.Status != 0 {
				o.HTTP = m[1] + m[2] + m[3]
			}
			if a.Status == 0 && shown != nil {
				o.Shape = ShapeOf(shown)
			}
			all = append(all, o)
		}
	}
	return all, nil
}

func (s Step) run(ctx context.Context, client *Client, vars map[string]string, patience time.Duration) (Answer, error) {
	words := s.expanded(vars)
	for deadline := time.Now().Add(patience); ; {
		a, err := client.Run(words...)
		if err != nil || s.Verb == "" || s.Verb == "gone" && a.Status != 0 {
			return a, err
		}
		if fields, ok := decoded(a.Stdout).(map[string]any); ok && s.Verb == "wait" && fmt.Sprint(fields[s.Field]) == s.Value {
			return a, nil
		}
		if fields, ok := decoded(a.Stdout).(map[string]any); ok && strings.EqualFold(fmt.Sprint(fields[s.Field]), "error") {
			return a, nil // it stays so
		}
		if time.Now().After(deadline) {
			a.Stderr += fmt.Sprintf("after %s it is still %s", patience, a.Stdout)
			return a, nil
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return a, ctx.Err()
		}
	}
}

// decoded is the JSON that a command printed, after its progress; nil if there is none.
func decoded(stdout string) any {
	for at, r := range stdout {
		var v any
		if (r == '{' || r == '[') && json.Unmarshal([]byte(stdout[at:]), &v) == nil {
			return v
		}
	}
	return nil
}
