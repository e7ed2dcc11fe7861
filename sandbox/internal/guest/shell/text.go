//go:build linux

package shell

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func init() {
	register(map[string]command{
		"head": head, "tail": tail, "wc": wc, "uniq": uniq, "cut": cut, "tee": tee, "grep": grep, "egrep": grep, "fgrep": grep,
		"seq": seq, "tac": tac, "yes": yes, "cmp": compare, "diff": compare, "nl": nl,
	})
}

// eachLine visits the lines of r with their line ends.
func eachLine(r io.Reader, visit func(line string) error) error {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadString('\n')
		if line != "" {
			if verr := visit(line); verr != nil {
				return verr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// errEnough ends eachLine early.
var errEnough = errors.New("enough")

// oldStyle turns -5 into -n5, as head and tail allow.
func oldStyle(args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		if len(a) > 1 && a[0] == '-' && unicode.IsDigit(rune(a[1])) {
			out[i] = "-n" + a[1:]
		}
	}
	return out
}

func head(p *proc) int {
	p.args = oldStyle(p.args)
	f, names, ok := p.options("n:c:qv", "lines=n", "bytes=c", "quiet=q")
	if !ok {
		return 1
	}
	if f.has('c') {
		n, err := parseSize(f.value('c', ""))
		if err != nil {
			return p.fail(err)
		}
		return p.inputs(names, func(_ string, r io.Reader) error {
			_, err := io.CopyN(p.out, r, n)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		})
	}
	n, err := strconv.Atoi(f.value('n', "10"))
	if err != nil {
		return p.failf("invalid number of lines: '%s'", f.value('n', ""))
	}
	return p.inputs(names, func(name string, r io.Reader) error {
		if len(names) > 1 && !f.has('q') {
			fmt.Fprintf(p.out, "==> %s <==\n", name)
		}
		if n < 0 {
			return headBut(p.out, r, -n)
		}
		left := n
		err := eachLine(r, func(s string) error {
			if left--; left < 0 {
				return errEnough
			}
			_, err := io.WriteString(p.out, s)
			if err == nil && left == 0 {
				return errEnough
			}
			return err
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
}

func headBut(w io.Writer, r io.Reader, n int) error {
	var held []string
	return eachLine(r, func(s string) error {
		if held = append(held, s); len(held) > n {
			if _, err := io.WriteString(w, held[0]); err != nil {
				return err
			}
			held = held[1:]
		}
		return nil
	})
}

func tail(p *proc) int {
	p.args = oldStyle(p.args)
	f, names, ok := p.options("n:c:fFqvs:", "lines=n", "bytes=c", "follow=f", "quiet=q")
	if !ok {
		return 1
	}
	count := f.value('n', "10")
	n, err := strconv.Atoi(strings.TrimLeft(count, "+-"))
	if err != nil {
		return p.failf("invalid number of lines: '%s'", count)
	}
	status := p.inputs(names, func(name string, r io.Reader) error {
		if len(names) > 1 && !f.has('q') {
			fmt.Fprintf(p.out, "==> %s <==\n", name)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if f.has('c') {
			c, err := parseSize(strings.TrimPrefix(f.value('c', ""), "+"))
			if err != nil {
				return err
			}
			if strings.HasPrefix(f.value('c', ""), "+") {
				b = b[min(max(int(c)-1, 0), len(b)):]
			} else {
				b = b[max(len(b)-int(c), 0):]
			}
			_, err = p.out.Write(b)
			return err
		}
		lines := bytes.SplitAfter(b, []byte("\n"))
		if len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		if strings.HasPrefix(count, "+") {
			lines = lines[min(max(n-1, 0), len(lines)):]
		} else {
			lines = lines[max(len(lines)-n, 0):]
		}
		_, err = p.out.Write(bytes.Join(lines, nil))
		return err
	})
	if (f.has('f') || f.has('F')) && len(names) == 1 && status == 0 {
		return p.follow(names[0])
	}
	return status
}

func (p *proc) follow(name string) int {
	f, err := os.Open(p.path(name))
	if err != nil {
		return p.fail(err)
	}
	defer f.Close()
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return p.fail(err)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := io.Copy(p.out, f); err != nil {
			return p.fail(err)
		}
		select {
		case <-p.ctx.Done():
			return 130
		case <-tick.C:
		}
	}
}

func wc(p *proc) int {
	f, names, ok := p.options("lwcm", "lines=l", "words=w", "bytes=c", "chars=m")
	if !ok {
		return 1
	}
	all := len(f) == 0
	var total [3]int
	show := func(n [3]int, name string) {
		var parts []string
		for i, c := range []byte("lwc") {
			if all || f.has(c) || c == 'c' && f.has('m') {
				parts = append(parts, strconv.Itoa(n[i]))
			}
		}
		if all {
			for i := range parts {
				parts[i] = fmt.Sprintf("%7s", parts[i])
			}
		}
		if name != "-" {
			parts = append(parts, name)
		}
		fmt.Fprintln(p.out, strings.Join(parts, " "))
	}
	status := p.inputs(names, func(name string, r io.Reader) error {
		var n [3]int
		err := eachLine(r, func(s string) error {
			n[0] += strings.Count(s, "\n")
			n[1] += len(strings.Fields(s))
			n[2] += len(s)
			return nil
		})
		for i := range n {
			total[i] += n[i]
		}
		show(n, name)
		return err
	})
	if len(names) > 1 {
		show(total, "total")
	}
	return status
}

// readLines reads all lines of all inputs without their ends.
func (p *proc) readLines(names []string) ([]string, int) {
	var lines []string
	status := p.inputs(names, func(_ string, r io.Reader) error {
		return eachLine(r, func(s string) error {
			lines = append(lines, strings.TrimSuffix(s, "\n"))
			return nil
		})
	})
	return lines, status
}

func uniq(p *proc) int {
	f, names, ok := p.options("cdui", "count=c", "repeated=d", "unique=u", "ignore-case=i")
	if !ok {
		return 1
	}
	lines, status := p.readLines(names[:min(len(names), 1)])
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && (lines[i+n] == lines[i] || f.has('i') && strings.EqualFold(lines[i+n], lines[i])) {
			n++
		}
		if !(f.has('d') && n == 1) && !(f.has('u') && n > 1) {
			if f.has('c') {
				fmt.Fprintf(p.out, "%7d ", n)
			}
			fmt.Fprintln(p.out, lines[i])
		}
		i += n
	}
	return status
}

func cut(p *proc) int {
	f, names, ok := p.options("d:f:c:b:s", "delimiter=d", "fields=f", "characters=c", "bytes=b", "only-delimited=s")
	if !ok {
		return 1
	}
	delimiter := f.value('d', "\t")
	spec := f.value('f', f.value('c', f.value('b', "")))
	wanted, err := ranges(spec)
	if err != nil {
		return p.fail(err)
	}
	return p.inputs(names, func(_ string, r io.Reader) error {
		return eachLine(r, func(s string) error {
			s = strings.TrimSuffix(s, "\n")
			if !f.has('f') {
				var b strings.Builder
				for i, c := range []rune(s) {
					if wanted(i + 1) {
						b.WriteRune(c)
					}
				}
				_, err := fmt.Fprintln(p.out, b.String())
				return err
			}
			if !strings.Contains(s, delimiter) {
				if f.has('s') {
					return nil
				}
				_, err := fmt.Fprintln(p.out, s)
				return err
			}
			var kept []string
			for i, field := range strings.Split(s, delimiter) {
				if wanted(i + 1) {
					kept = append(kept, field)
				}
			}
			_, err := fmt.Fprintln(p.out, strings.Join(kept, delimiter))
			return err
		})
	})
}

// ranges parses a list such as 1,3-5,7-.
func ranges(spec string) (func(int) bool, error) {
	type span struct{ from, to int }
	var spans []span
	for part := range strings.SplitSeq(spec, ",") {
		a, b, ranged := strings.Cut(part, "-")
		s := span{1, 1 << 30}
		if a != "" {
			s.from = number(a)
		}
		if !ranged {
			s.to = s.from
		} else if b != "" {
			s.to = number(b)
		}
		if s.from < 1 || s.to < 1 {
			return nil, fmt.Errorf("invalid list '%s'", spec)
		}
		spans = append(spans, s)
	}
	return func(n int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.from <= n && n <= s.to })
	}, nil
}

func tee(p *proc) int {
	f, names, ok := p.options("ai", "append=a")
	if !ok {
		return 1
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if f.has('a') {
		mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	status := 0
	writers := []io.Writer{p.out}
	for _, name := range names {
		o, err := os.OpenFile(p.path(name), mode, 0o666)
		if err != nil {
			status = p.fail(err)
			continue
		}
		defer o.Close()
		writers = append(writers, o)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), p.in); err != nil {
		return p.fail(err)
	}
	return status
}

func seq(p *proc) int {
	_, args, ok := p.options("+ws:")
	if !ok || len(args) == 0 {
		return p.usage("[FIRST [INCREMENT]] LAST")
	}
	from, step, to := 1, 1, number(args[len(args)-1])
	if len(args) > 1 {
		from = number(args[0])
	}
	if len(args) > 2 {
		step = number(args[1])
	}
	if step == 0 {
		return p.failf("invalid increment")
	}
	for n := from; step > 0 && n <= to || step < 0 && n >= to; n += step {
		if _, err := fmt.Fprintln(p.out, n); err != nil {
			return p.fail(err)
		}
	}
	return 0
}

func tac(p *proc) int {
	lines, status := p.readLines(p.args)
	for _, l := range slices.Backward(lines) {
		fmt.Fprintln(p.out, l)
	}
	return status
}

func nl(p *proc) int {
	p.args = append([]string{"-n"}, p.args...)
	return cat(p)
}

func yes(p *proc) int {
	s := "y"
	if len(p.args) > 0 {
		s = strings.Join(p.args, " ")
	}
	for p.ctx.Err() == nil {
		if _, err := fmt.Fprintln(p.out, s); err != nil {
			return p.fail(err)
		}
	}
	return 1
}

// compare is cmp, and as much of diff as a condition needs.
func compare(p *proc) int {
	f, names, ok := p.options("sqruNbwBU:", "silent=s", "quiet=q", "brief=q")
	if !ok || len(names) < 2 {
		return p.usage("FILE1 FILE2")
	}
	var content [2][]byte
	for i := range content {
		err := p.input(names[i], func(_ string, r io.Reader) (err error) {
			content[i], err = io.ReadAll(r)
			return err
		})
		if err != nil {
			p.fail(err)
			return 2
		}
	}
	if bytes.Equal(content[0], content[1]) {
		return 0
	}
	if !f.has('s') {
		fmt.Fprintf(p.out, "%s %s differ\n", names[0], names[1])
	}
	return 1
}
