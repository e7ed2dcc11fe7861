//go:build linux

package shell

import (
	"errors"
	"strings"
)

// call is a parsed command line of the shell.
type call struct {
	options     []string // for set, such as -e
	command     string   // of -c
	hasCommand  bool
	stdin       bool // -s
	interactive bool
	login       bool
	rest        []string
}

func parseCall(args []string) (call, error) {
	var c call
	for len(args) > 0 {
		a := args[0]
		if a == "--" || a == "-" {
			args = args[1:]
			break
		}
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		args = args[1:]
		if strings.HasPrefix(a, "--") {
			c.login = c.login || a == "--login"
			continue // bash's long options change nothing here
		}
		for _, o := range a[1:] {
			switch o {
			case 'c':
				c.hasCommand = true
			case 's':
				c.stdin = true
			case 'i':
				c.interactive = true
			case 'l':
				c.login = true
			case 'o':
				if len(args) == 0 {
					return c, errors.New("-o: option requires an argument")
				}
				if args[0] == "pipefail" || args[0] == "errexit" || args[0] == "nounset" || args[0] == "xtrace" {
					c.options = append(c.options, a[:1]+"o", args[0])
				}
				args = args[1:]
			case 'e', 'u', 'x', 'n', 'f', 'a':
				c.options = append(c.options, a[:1]+string(o))
			}
		}
	}
	if c.hasCommand {
		if len(args) == 0 {
			return c, errors.New("-c: option requires an argument")
		}
		c.command, args = args[0], args[1:]
	}
	c.rest = args
	return c, nil
}
