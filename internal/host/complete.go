package host

import (
	"context"
	"io"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/host/shell"
)

// completeBash is what the script for bash calls; the other scripts call cobra's __complete.
const completeBash = "__completeBash"

// completes reports whether a shell asks what may follow.
func completes(args []string) bool {
	return len(args) > 0 && (args[0] == "__complete" || args[0] == completeBash)
}

// complete answers a shell that asks what may follow: the words of the line up to the cursor, or for
// bash the line itself, the end of it that a suggestion replaces, and COMP_TYPE.
func (h *Host) complete(ctx context.Context, args []string) error {
	words, raw := args[1:], ""
	if args[0] == completeBash {
		args = append(args, "", "", "")
		words, raw = shell.Words(args[1])
		for len(words) > 1 && strings.Contains(words[0], "=") {
			words = words[1:] // a variable of the command's
		}
		words = words[1:]
	}
	var found strings.Builder
	h.root.SetOut(&found)
	h.root.SetErr(io.Discard)
	h.root.SetArgs(append([]string{"__complete"}, words...))
	if err := h.root.ExecuteContext(ctx); err != nil {
		return err
	}
	answer := shell.Parse(found.String())
	text := answer.Lines()
	if args[0] == completeBash {
		text = answer.Bash(raw, args[2], args[3])
	}
	_, err := io.WriteString(h.console.Data(), text)
	return err
}
