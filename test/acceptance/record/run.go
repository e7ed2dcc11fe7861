package record

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Run asks the cloud a scenario's questions.
func (c *Cloud) Run(ctx context.Context, s Scenario) (Recording, error) {
	r := &run{cloud: c, scenario: s, values: c.values()}
	defer r.cleanUp(context.WithoutCancel(ctx))
	recording := Recording{Scenario: s.Service + ": " + s.Name}
	for _, step := range s.Steps {
		answer, err := r.step(ctx, step)
		if err != nil {
			return recording, fmt.Errorf("scenario %q, step %q: %w", s.Name, step.Name, err)
		}
		if !step.Unseen {
			recording.Answers = append(recording.Answers, answer)
		}
	}
	return recording, nil
}

type run struct {
	cloud    *Cloud
	scenario Scenario
	values   map[string]string // by variable, without the $
}

// values are the variables that every scenario has.
func (c *Cloud) values() map[string]string {
	v := map[string]string{"run": "r" + uuid.NewString()[:8]}
	for i := range 9 {
		v["uuid"+strconv.Itoa(i+1)] = uuid.NewString()
	}
	for person, a := range c.accounts {
		v[person+"_user"], v[person+"_password"] = a.userID, a.password
		if person != "reader" { // whose project is the owner's
			v[person+"_project"] = a.projectID
		}
	}
	return v
}

var variable = regexp.MustCompile(`\$[a-z][a-z0-9_]*`)

// fill puts the values in for the $names.
func (r *run) fill(text string) (string, error) {
	var missing error
	filled := variable.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := r.values[name[1:]]
		if !ok {
			missing = fmt.Errorf("%s has no value", name)
		}
		return value
	})
	return filled, missing
}

func (r *run) step(ctx context.Context, s Step) (Answer, error) {
	deadline := time.Now().Add(3 * time.Minute)
	for {
		response, body, err := r.ask(ctx, s)
		if err != nil {
			return Answer{}, err
		}
		if s.Unseen && response.StatusCode/100 != 2 {
			return Answer{}, fmt.Errorf("preparing: %s: %s", response.Status, body)
		}
		var decoded any
		isJSON := json.Unmarshal(body, &decoded) == nil
		if path, want, ok := strings.Cut(s.Until, "="); ok && at(decoded, path) != want {
			if time.Now().After(deadline) {
				return Answer{}, fmt.Errorf("%s did not become %q: %s", path, want, body)
			}
			select {
			case <-ctx.Done():
				return Answer{}, ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
			continue
		}
		for name, path := range s.Save {
			if header, ok := strings.CutPrefix(path, "header "); ok {
				r.values[name] = response.Header.Get(header)
			} else {
				r.values[name] = at(decoded, path)
			}
			if r.values[name] == "" {
				return Answer{}, fmt.Errorf("saving $%s: no %s in %s: %s", name, path, response.Status, body)
			}
		}
		if !isJSON {
			decoded = string(body)
		}
		return r.scrub(s, response, decoded), nil
	}
}

func (r *run) ask(ctx context.Context, s Step) (*http.Response, []byte, error) {
	method, path, _ := strings.Cut(s.Request, " ")
	path, errPath := r.fill(path)
	body, errBody := r.fill(s.Body)
	if err := errors.Join(errPath, errBody); err != nil {
		return nil, nil, err
	}
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"imgctl-record"}}
	for key, values := range s.Header {
		filled, err := r.fill(values[0])
		if err != nil {
			return nil, nil, err
		}
		header.Set(key, filled)
	}
	who := s.person()
	if a, ok := r.cloud.accounts[who]; ok {
		header.Set("X-Auth-Token", a.token)
	} else if token, ok := r.values[strings.TrimPrefix(who, "$")]; ok {
		header.Set("X-Auth-Token", token)
	} else if who != "nobody" {
		return nil, nil, fmt.Errorf("nobody is called %q", who)
	}
	if s.Type != "" {
		header.Set("Content-Type", s.Type)
	} else if body != "" {
		header.Set("Content-Type", "application/json")
	}
	switch {
	case s.Version != "" && r.service(s) == "baremetal":
		header.Set("X-OpenStack-Ironic-API-Version", s.Version)
	case s.Version != "" && r.service(s) != "image":
		header.Set("OpenStack-API-Version", map[string]string{"compute": "compute ", "volumev3": "volume "}[r.service(s)]+s.Version)
	}
	return r.cloud.send(ctx, method, r.cloud.accounts["owner"].endpoints[r.service(s)]+path, header, body)
}

func (r *run) service(s Step) string { return cmp.Or(s.Service, r.scenario.Service) }

func (s Step) person() string { return cmp.Or(s.As, "owner") }

// at is the value at a path such as "images.0.id", as text; "" when there is none.
func at(value any, path string) string {
	for key := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(v) {
				return ""
			}
			value = v[i]
		default:
			return ""
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// cleanUpVersions are the microversions that removing things needs.
var cleanUpVersions = map[string]string{"baremetal": baremetalVersion}

// cleanUp tries each request as the owner and, if that is refused, as the admin. What a scenario never made
// is no error.
func (r *run) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, request := range r.scenario.Cleanup {
		for _, person := range []string{"owner", "admin"} {
			s := Step{As: person, Request: request, Version: cleanUpVersions[r.scenario.Service]}
			if service, rest, ok := strings.Cut(request, "! "); ok {
				s.Service, s.Request = service, rest
			}
			if response, _, err := r.ask(ctx, s); err != nil || response.StatusCode < 300 {
				break
			}
		}
	}
}
