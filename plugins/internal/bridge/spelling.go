package bridge

import (
	"fmt"
	"maps"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// Spelling writes options as flags, and actions as commands of a program.
type Spelling struct {
	// Program is what the user's command line begins with, such as imgctl.
	Program string
	// Renamed are the options whose flag or argument has another name.
	Renamed map[string]string
}

// Words are how the user of a command writes options and actions. renamed are the options whose
// flag or argument has another name.
func Words(in *sdk.Input, renamed ...map[string]string) Spelling {
	s := Spelling{Program: in.Program(), Renamed: map[string]string{}}
	for _, r := range renamed {
		maps.Copy(s.Renamed, r)
	}
	return s
}

// Option is "--archive-name" for archive_name.
func (s Spelling) Option(name string) string {
	if flag, ok := s.Renamed[name]; ok {
		return flag
	}
	return "--" + strings.ReplaceAll(name, "_", "-")
}

// Setting is "--archive-name VALUE"; a flag that is only given needs no value.
func (s Spelling) Setting(name string, value any) string {
	flag := s.Option(name)
	switch value := value.(type) {
	case bool:
		if value {
			return flag
		}
		return flag + "=false"
	case []string:
		all := make([]string, 0, len(value))
		for _, v := range value {
			all = append(all, flag+" "+v)
		}
		return strings.Join(all, " ")
	}
	return fmt.Sprintf("%s %v", flag, value)
}

// Action is the command that does it, in backquotes.
func (s Spelling) Action(a fault.Action) string {
	words := []string{s.Program, a.Words()}
	for _, option := range a.Settings {
		words = append(words, s.Setting(option.Name, option.Value))
	}
	return "`" + strings.Join(words, " ") + "`"
}
