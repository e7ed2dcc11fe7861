package report

import (
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Ui is the part of Packer's user interface that a Reporter needs.
type Ui interface {
	Say(string)
	Message(string)
	Error(string)
}

// Packer reports to the ui of a Packer build.
func Packer(ui Ui) Reporter { return packer{ui} }

type packer struct{ ui Ui }

func (p packer) Step(format string, args ...any) {
	p.ui.Say(fault.Sprintf(PackerWords, format, args...))
}

func (p packer) Warn(format string, args ...any) {
	p.ui.Error("Warning: " + fault.Sprintf(PackerWords, format, args...))
}

func (p packer) Progress(what string, done, total int64) {
	if total > 0 {
		p.ui.Message(fmt.Sprintf("%s: %d of %d", what, done, total))
		return
	}
	p.ui.Message(fmt.Sprintf("%s: %d", what, done))
}

// ForPacker is err as the author of a Packer template reads it; nil stays nil.
func ForPacker(err error) error { return fault.Spelled(err, PackerWords) }

// PackerWords writes options as a Packer template has them, and actions as imgctl's commands.
var PackerWords fault.Speller = packerWords{}

type packerWords struct{}

func (packerWords) Option(name string) string { return name }

func (packerWords) Setting(name string, value any) string {
	switch value := value.(type) {
	case string:
		return fmt.Sprintf("%s = %q", name, value)
	case []string:
		quoted := make([]string, 0, len(value))
		for _, v := range value {
			quoted = append(quoted, fmt.Sprintf("%q", v))
		}
		return fmt.Sprintf("%s = [%s]", name, strings.Join(quoted, ", "))
	}
	return fmt.Sprintf("%s = %v", name, value)
}

func (packerWords) Action(a fault.Action) string {
	words := []string{"imgctl", a.Words()}
	for _, s := range a.Settings {
		words = append(words, "--"+strings.ReplaceAll(s.Name, "_", "-"))
		if s.Value != true {
			words = append(words, fmt.Sprint(s.Value))
		}
	}
	return "`" + strings.Join(words, " ") + "`"
}
