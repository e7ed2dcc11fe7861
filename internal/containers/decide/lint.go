package decide

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Problem is something wrong, or only doubtful, in an environment file.
type Problem struct {
	File         string
	Line, Column int
	Error        bool // else a warning
	Text         string
}

// Lint reads the files together, as a preparation would, and says what is wrong with them and what
// has no effect. It sends no requests.
func Lint(ctx context.Context, files []string, release *imagelist.Release) []Problem {
	env := &envfile.Environment{}
	var found []Problem
	for _, file := range files {
		root, err := foreignfile.ReadTree(file)
		if err == nil {
			err = env.Add(root)
		}
		if err == nil {
			found = append(found, keys(root)...)
		}
		if err != nil {
			found = append(found, fromError(file, err))
		}
	}
	if _, err := env.Credentials(); err != nil {
		found = append(found, fromError("", err))
	}
	result, err := Decide(ctx, Request{Environment: env, Release: release, Offline: true, Undercloud: "localhost" + undercloudPort})
	if err != nil {
		found = append(found, fromError("", err))
	}
	found = append(found, doubts(env)...)
	if result != nil {
		for _, note := range result.Notes {
			found = append(found, withPlace(Problem{Text: note}))
		}
		found = append(found, unused(env, result)...)
	}
	for _, f := range env.Findings {
		found = append(found, Problem{f.File, f.Line, f.Column, false, f.Text})
	}
	return unique(found)
}

// keys are the findings in one file alone: of its lists, those of a later file may take their place.
func keys(root *foreignfile.Value) (found []Problem) {
	env := &envfile.Environment{}
	if env.Add(root) != nil {
		return nil
	}
	for _, p := range root.Get("parameter_defaults").Entries() {
		if strings.HasSuffix(p.Key, "ContainerImagePrepare") {
			if _, _, err := env.Entries(p.Key); err != nil {
				found = append(found, fromError("", err))
			}
		}
	}
	for _, f := range env.Findings {
		found = append(found, Problem{f.File, f.Line, f.Column, false, f.Text})
	}
	return found
}

// doubts are what entries say that doesn't do what one would think.
func doubts(env *envfile.Environment) (found []Problem) {
	list := env.Parameters.Get("ContainerImagePrepare")
	if list.IsNull() {
		return nil
	}
	doubt := func(v *foreignfile.Value, format string, args ...any) {
		found = append(found, Problem{v.File, v.Line, v.Column, false, fmt.Sprintf(format, args...)})
	}
	for _, entry := range list.Items {
		set := entry.Get("set")
		tag, label := set.Get("tag"), entry.Get("tag_from_label")
		if tag.Truthy() && label.Truthy() {
			doubt(label, "tag_from_label has no effect, as set has a tag, %q, unless the label policy is legacy", tag.String())
		}
		if tag != nil && tag.Kind == foreignfile.Number && spelledOtherwise(tag.Text) {
			doubt(tag, "tag %s isn't quoted: TripleO reads a number and drops zeros at its end; here it stays as written", tag.Text)
		}
		if includes, excludes := entry.Get("includes"), entry.Get("excludes"); includes.Truthy() && excludes.Truthy() {
			doubt(excludes, "excludes have no effect, as there are includes")
		}
		if appendTag := entry.Get("modify_append_tag"); appendTag.Truthy() && !entry.Get("modify_role").Truthy() {
			doubt(appendTag, "modify_append_tag has no effect without modify_role")
		}
		if pull := entry.Get("pull_source"); pull.Truthy() {
			doubt(pull, "pull_source is deprecated: put it before the namespace in set")
		}
	}
	return found
}

func spelledOtherwise(number string) bool {
	f, err := strconv.ParseFloat(number, 64)
	return err == nil && strconv.FormatFloat(f, 'f', -1, 64) != number
}

// unused are entries of whose parameters none is left to them.
func unused(env *envfile.Environment, result *Result) (found []Problem) {
	list := env.Parameters.Get("ContainerImagePrepare")
	if list.IsNull() {
		return nil
	}
	for i, item := range list.Items {
		used := false
		for _, p := range result.Params {
			used = used || p.Image.Position == i+1
		}
		if !used {
			found = append(found, Problem{item.File, item.Line, item.Column, false, "no parameter comes from this entry: it takes " +
				"no image, " +
				"or later entries take all of them"})
		}
	}
	return found
}

var place = regexp.MustCompile(`([^\s(]+\.[^\s(:]*):(\d+):(\d+)`)

// withPlace takes the first FILE:LINE:COLUMN out of the text.
func withPlace(p Problem) Problem {
	if m := place.FindStringSubmatch(p.Text); m != nil {
		p.File = m[1]
		p.Line, _ = strconv.Atoi(m[2])
		p.Column, _ = strconv.Atoi(m[3])
	}
	return p
}

var parserLine = regexp.MustCompile(`line (\d+)`)

func fromError(file string, err error) Problem {
	p := withPlace(Problem{File: file, Error: true, Text: err.Error()})
	if m := parserLine.FindStringSubmatch(p.Text); m != nil && p.Line == 0 {
		p.Line, _ = strconv.Atoi(m[1])
	}
	return p
}

func unique(all []Problem) []Problem {
	var kept []Problem
	for _, p := range all {
		if !slices.Contains(kept, p) {
			kept = append(kept, p)
		}
	}
	slices.SortStableFunc(kept, func(a, b Problem) int {
		if a.File != b.File {
			return 0
		}
		return a.Line - b.Line
	})
	return kept
}
