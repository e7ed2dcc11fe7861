// Package shell writes for shells: the scripts that complete imgctl's command line, and the suggestions,
// quoted for each shell. A suggestion may be an image name that a stranger chose, so no script evaluates
// it, and inserted text is quoted.
package shell

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
)

var (
	//go:embed imgctl.bash
	bash string
	//go:embed imgctl.zsh
	zsh string
	//go:embed imgctl.fish
	fish string
)

// Shells are those that there is a script for.
var Shells = []string{"bash", "zsh", "fish"}

// Script is the completion script of the shell; ok is false if there is none.
func Script(shell string) (script string, ok bool) {
	i := slices.Index(Shells, shell)
	if i < 0 {
		return "", false
	}
	return []string{bash, zsh, fish}[i], true
}

// Suggestion is a possible value, and its meaning.
type Suggestion struct{ Value, Help string }

// Answer is cobra's result for a line.
type Answer struct {
	Suggestions []Suggestion
	Directive   cobra.ShellCompDirective
}

// Parse reads the output of cobra's __complete. What can't be typed as it is shown, because it has
// control or invisible characters in it, isn't suggested.
func Parse(output string) Answer {
	var a Answer
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		if code, ok := strings.CutPrefix(line, ":"); ok {
			if n, err := strconv.Atoi(code); err == nil {
				a.Directive = cobra.ShellCompDirective(n)
				continue
			}
		}
		value, help, _ := strings.Cut(line, "\t")
		if value != "" && value == printable.Line(value) {
			a.Suggestions = append(a.Suggestions, Suggestion{value, printable.Line(help)})
		}
	}
	return a
}

// Lines is the answer as zsh and fish read it: a value, a tab and its help on each line, and the
// directive behind a colon on the last.
func (a Answer) Lines() string {
	var b strings.Builder
	for _, s := range a.Suggestions {
		b.WriteString(s.Value)
		if s.Help != "" {
			b.WriteString("\t" + s.Help)
		}
		b.WriteString("\n")
	}
	return b.String() + ":" + strconv.Itoa(int(a.Directive)) + "\n"
}
