package command

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Word is the first word among arguments that cobra found no command for, if there is one. The argument after
// an unknown flag counts as its value.
func Word(at *cobra.Command, args []string) (word string, ok bool) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return "", false
		case !strings.HasPrefix(arg, "-") || arg == "-":
			return arg, arg != ""
		case strings.Contains(arg, "="):
			continue
		}
		f := known(at, arg)
		if f != nil && f.NoOptDefVal != "" || i+1 == len(args) || strings.HasPrefix(args[i+1], "-") {
			continue
		}
		i++
	}
	return "", false
}

// known is the flag of an argument, nil if there is none.
func known(at *cobra.Command, arg string) *pflag.Flag {
	for _, flags := range []*pflag.FlagSet{at.Flags(), at.PersistentFlags(), at.InheritedFlags()} {
		if name, long := strings.CutPrefix(arg, "--"); long {
			if f := flags.Lookup(name); f != nil {
				return f
			}
		} else if f := flags.ShorthandLookup(arg[len(arg)-1:]); f != nil {
			return f
		}
	}
	return nil
}
