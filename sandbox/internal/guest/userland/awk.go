//go:build linux

package userland

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/benhoyt/goawk/interp"
	"github.com/benhoyt/goawk/lexer"
	"github.com/benhoyt/goawk/parser"
)

func init() {
	// It is a process of its own, as awk opens files and starts commands where it stands.
	registerAlone(map[string]Command{"awk": awk, "gawk": awk, "mawk": awk, "nawk": awk})
}

// awk is goawk. Its regular expressions prefer the first alternative, not the longest match.
func awk(p *Proc) int {
	f, args, ok := p.options("+F:v:f:", "field-separator=F", "assign=v", "file=f")
	if !ok {
		return 2
	}
	program, args, err := p.awkProgram(f['f'], args)
	if err != nil {
		p.Fail(err)
		return 2
	}
	vars, err := awkVars(f)
	if err != nil {
		p.Fail(err)
		return 2
	}
	var environ []string
	for _, e := range p.Environ {
		name, value, _ := strings.Cut(e, "=")
		environ = append(environ, name, value)
	}
	code, err := interp.ExecProgram(program, &interp.Config{
		Stdin: p.In, Output: p.Out, Error: p.Err, Argv0: p.Name, Args: args, Vars: vars,
		Environ: append([]string{}, environ...), ShellCommand: []string{"/bin/sh", "-c"}, Chars: true,
	})
	if err != nil {
		p.Fail(err)
		return 2
	}
	return code
}

// awkProgram parses the files, or the first argument if there are none.
func (p *Proc) awkProgram(files, args []string) (*parser.Program, []string, error) {
	var source bytes.Buffer
	if len(files) == 0 {
		if len(args) == 0 {
			return nil, nil, errors.New("usage: awk [-F SEPARATOR] [-v NAME=VALUE]... 'PROGRAM' | -f FILE [FILE...]")
		}
		source.WriteString(args[0])
		args = args[1:]
	}
	for _, name := range files {
		err := p.input(name, func(_ string, r io.Reader) error {
			_, err := source.ReadFrom(r)
			source.WriteByte('\n')
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	program, err := parser.ParseProgram(source.Bytes(), nil)
	if err != nil {
		return nil, nil, err
	}
	return program, args, nil
}

// awkVars are the variables that options set, as names and values in turn.
func awkVars(f flags) ([]string, error) {
	var vars []string
	if f.has('F') {
		separator := f.value('F', "")
		if separator == "t" { // POSIX has it so
			separator = `\t`
		}
		vars = append(vars, "FS", separator)
	}
	for _, assignment := range f['v'] {
		name, value, ok := strings.Cut(assignment, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is no assignment: it has the form NAME=VALUE", assignment)
		}
		if unescaped, err := lexer.Unescape(value); err == nil {
			value = unescaped
		}
		vars = append(vars, name, value)
	}
	return vars, nil
}
