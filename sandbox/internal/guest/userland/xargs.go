//go:build linux

package userland

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

func init() { registerAlone(map[string]Command{"xargs": xargs}) }

func xargs(p *Proc) int {
	f, command, ok := p.options("+0rtn:L:I:P:d:", "null=0", "no-run-if-empty=r", "max-args=n", "replace=I", "max-procs=P", "delimiter=d",
		"verbose=t")
	if !ok {
		return 1
	}
	if len(command) == 0 {
		command = []string{"echo"}
	}
	b, err := io.ReadAll(bufio.NewReader(p.In))
	if err != nil {
		return p.Fail(err)
	}
	words := xargsWords(string(b), f)
	status := 0
	run := func(args []string) {
		if f.has('t') {
			fmt.Fprintln(p.Err, strings.Join(args, " "))
		}
		switch code := p.spawn(args, strings.NewReader(""), nil); code {
		case 0:
		case 126, 127:
			status = code
		default:
			status = 123
		}
	}
	if f.has('I') {
		for _, w := range words {
			args := slices.Clone(command)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], f.value('I', "{}"), w)
			}
			run(args)
		}
		return status
	}
	if len(words) == 0 && !f.has('r') {
		run(command)
	}
	n := number(f.value('n', f.value('L', "1000")))
	for chunk := range slices.Chunk(words, max(n, 1)) {
		run(append(slices.Clone(command), chunk...))
	}
	return status
}

func xargsWords(s string, f flags) []string {
	separator := ""
	switch {
	case f.has('0'):
		separator = "\x00"
	case f.has('d'):
		separator = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\0`, "\x00").Replace(f.value('d', ""))
	case f.has('I'):
		separator = "\n"
	}
	if separator != "" {
		var out []string
		for w := range strings.SplitSeq(strings.TrimSuffix(s, separator), separator) {
			if w != "" {
				out = append(out, w)
			}
		}
		return out
	}
	var out []string
	var b strings.Builder
	quote, in := rune(0), false
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\\':
			b.WriteRune(c)
			quote = 0
		case quote != 0:
			b.WriteRune(c)
		case c == '"' || c == '\'' || c == '\\':
			quote, in = c, true
		case c == ' ' || c == '\n' || c == '\t':
			if in {
				out = append(out, b.String())
				b.Reset()
				in = false
			}
		default:
			b.WriteRune(c)
			in = true
		}
	}
	if in {
		out = append(out, b.String())
	}
	return out
}
