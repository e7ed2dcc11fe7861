package promote

import (
	"fmt"
	"strings"
)

// flags are those command-line flags that aren't called as the option is in a Packer template.
var flags = map[string]string{"image_id": "IMAGE", "image_name": "--name", "timeout": "--limit"}

// option is how the user writes an option's name, which is "archive_name" in a Packer template and
// "--archive-name" on a command line.
func (o Options) option(name string) string {
	switch {
	case !o.Flags:
		return name
	case flags[name] != "":
		return flags[name]
	}
	return "--" + strings.ReplaceAll(name, "_", "-")
}

// setting is how the user gives an option a value.
func (o Options) setting(name, value string) string {
	if o.Flags {
		return o.option(name) + " " + value
	}
	return fmt.Sprintf("%s = %q", name, value)
}
