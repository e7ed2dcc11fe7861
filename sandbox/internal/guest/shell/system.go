//go:build linux

package shell

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

func init() {
	register(map[string]command{
		"hostname": hostname, "uname": uname, "sleep": sleep, "sync": nothing,
		"kill": kill, "ps": ps, "nproc": nproc, "uptime": uptime, "which": which, "tty": tty, "logger": logger,
		"dd": dd, "arch": arch, "free": free, "stty": nothing, "clear": nothing, "chvt": nothing,
		"true": nothing, "false": func(*proc) int { return 1 },
		"test": builtin, "[": builtin, "echo": builtin, "printf": builtin, "pwd": builtin,
	})
}

// nothing is for what has no meaning in a guest. sync is one: the guest's disk is the host's page cache.
func nothing(*proc) int { return 0 }

// builtin runs one of the shell's own commands that a script calls by path.
func builtin(p *proc) int {
	words := []string{p.name}
	for _, a := range p.args {
		q, err := syntax.Quote(a, syntax.LangBash)
		if err != nil {
			return p.fail(err)
		}
		words = append(words, q)
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(strings.Join(words, " ")), p.name)
	if err != nil {
		return p.fail(err)
	}
	r, err := interp.New(interp.StdIO(p.in, p.out, p.err), interp.Dir(p.dir))
	if err != nil {
		return p.fail(err)
	}
	return status(p, r.Run(p.ctx, file))
}

func hostname(p *proc) int {
	f, names, ok := p.options("fsidIA", "fqdn=f", "short=s", "ip-address=i")
	if !ok {
		return 1
	}
	if len(names) > 0 {
		if err := unix.Sethostname([]byte(names[0])); err != nil {
			return p.failf("you must be root to change the host name")
		}
		return 0
	}
	h, err := os.Hostname()
	if err != nil {
		return p.fail(err)
	}
	if f.has('s') {
		h, _, _ = strings.Cut(h, ".")
	}
	fmt.Fprintln(p.out, h)
	return 0
}

func uname(p *proc) int {
	f, _, ok := p.options("asnrvmpio", "all=a", "kernel-name=s", "nodename=n", "kernel-release=r", "kernel-version=v", "machine=m", "processor=p", "operating-system=o")
	if !ok {
		return 1
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return p.fail(err)
	}
	text := func(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }
	var out []string
	for _, field := range []struct {
		letter byte
		value  string
	}{{'s', text(u.Sysname[:])}, {'n', text(u.Nodename[:])}, {'r', text(u.Release[:])}, {'v', text(u.Version[:])}, {'m', text(u.Machine[:])}, {'o', "GNU/Linux"}} {
		if f.has(field.letter) || f.has('a') || len(f) == 0 && field.letter == 's' || field.letter == 'm' && (f.has('p') || f.has('i')) {
			out = append(out, field.value)
		}
	}
	fmt.Fprintln(p.out, strings.Join(out, " "))
	return 0
}

func arch(p *proc) int {
	p.args = []string{"-m"}
	return uname(p)
}

// duration parses what sleep and timeout take: a number with s, m, h or d.
func duration(s string) (time.Duration, error) {
	if s == "infinity" {
		return 1 << 62, nil
	}
	unit := time.Second
	if s != "" {
		switch s[len(s)-1] {
		case 's':
			s = s[:len(s)-1]
		case 'm':
			unit, s = time.Minute, s[:len(s)-1]
		case 'h':
			unit, s = time.Hour, s[:len(s)-1]
		case 'd':
			unit, s = 24*time.Hour, s[:len(s)-1]
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("invalid time interval '%s'", s)
	}
	return time.Duration(n * float64(unit)), nil
}

func sleep(p *proc) int {
	if len(p.args) == 0 {
		return p.failf("missing operand")
	}
	var total time.Duration
	for _, a := range p.args {
		d, err := duration(a)
		if err != nil {
			return p.fail(err)
		}
		total += d
	}
	t := time.NewTimer(total)
	defer t.Stop()
	select {
	case <-t.C:
		return 0
	case <-p.ctx.Done():
		return 130
	}
}

func kill(p *proc) int {
	sig, args := syscall.SIGTERM, p.args
	if len(args) > 0 && args[0] == "-l" {
		fmt.Fprintln(p.out, "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS")
		return 0
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0][1:]
		args = args[1:]
		if (name == "s" || name == "n") && len(args) > 0 {
			name, args = args[0], args[1:]
		}
		if name != "-" {
			var ok bool
			if sig, ok = signalByName(name); !ok {
				return p.failf("%s: invalid signal specification", name)
			}
		}
	}
	status := 0
	for _, a := range args {
		pid, err := strconv.Atoi(a)
		if err == nil {
			err = syscall.Kill(pid, sig)
		} else {
			err = errors.New("arguments must be process IDs")
		}
		if err != nil {
			status = p.failf("(%s) - %s", a, capital(err))
		}
	}
	return status
}

func signalByName(name string) (syscall.Signal, bool) {
	if n, err := strconv.Atoi(name); err == nil {
		return syscall.Signal(n), true
	}
	s := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
	return s, s != 0
}

func ps(p *proc) int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	slices.SortFunc(dirs, func(a, b string) int { return number(filepath.Base(a)) - number(filepath.Base(b)) })
	fmt.Fprintln(p.out, "  PID USER     COMMAND")
	for _, dir := range dirs {
		st, err := os.Stat(dir)
		if err != nil {
			continue
		}
		b, _ := os.ReadFile(dir + "/cmdline")
		line := strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
		if line == "" {
			comm, _ := os.ReadFile(dir + "/comm")
			line = "[" + strings.TrimSpace(string(comm)) + "]"
		}
		fmt.Fprintf(p.out, "%5s %-8s %s\n", filepath.Base(dir), userName(int(st.Sys().(*syscall.Stat_t).Uid)), line)
	}
	return 0
}

func nproc(p *proc) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.out, set.Count())
	return 0
}

func uptime(p *proc) int {
	st, err := os.Stat("/run/imgctl")
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintf(p.out, " %s up %s, 1 user\n", time.Now().Format("15:04:05"), time.Since(st.ModTime()).Round(time.Second))
	return 0
}

func free(p *proc) int {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return p.fail(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 {
			values[f[0]] = f[1]
		}
	}
	fmt.Fprintf(p.out, "               total        free   available\nMem:    %12s%12s%12s\n", values["MemTotal:"], values["MemFree:"], values["MemAvailable:"])
	return 0
}

func which(p *proc) int {
	_, names, ok := p.options("as", "all=a")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		path, err := Which(name, p.environ, p.dir)
		if err != nil {
			status = 1
			continue
		}
		fmt.Fprintln(p.out, path)
	}
	return status
}

func tty(p *proc) int {
	f, ok := p.in.(*os.File)
	if !ok || !isTerminal(f) {
		fmt.Fprintln(p.out, "not a tty")
		return 1
	}
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.out, name)
	return 0
}

func logger(p *proc) int {
	_, words, ok := p.options("+t:p:is", "tag=t", "priority=p", "stderr=s")
	if !ok {
		return 1
	}
	f, err := os.OpenFile("/dev/console", os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0
	}
	defer f.Close()
	fmt.Fprintln(f, strings.Join(words, " "))
	return 0
}

// parseSize parses a number of bytes with an optional unit.
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		n      int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1000}, {"MB", 1e6}, {"GB", 1e9}, {"K", 1 << 10}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"c", 1}, {"b", 512}}
	unit := int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			s, unit = rest, u.n
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("invalid size '%s'", s)
	}
	return n * unit, nil
}

func dd(p *proc) int {
	o := map[string]string{"bs": "512", "count": "-1", "skip": "0", "seek": "0"}
	for _, a := range p.args {
		if k, v, ok := strings.Cut(a, "="); ok {
			o[k] = v
		}
	}
	n := map[string]int64{}
	for _, k := range []string{"bs", "count", "skip", "seek"} {
		v, err := parseSize(o[k])
		if err != nil {
			return p.fail(err)
		}
		n[k] = v
	}
	in, out := p.in, p.out
	if o["if"] != "" {
		f, err := os.Open(p.path(o["if"]))
		if err != nil {
			return p.fail(err)
		}
		defer f.Close()
		in = f
	}
	if _, err := io.CopyN(io.Discard, in, n["skip"]*n["bs"]); err != nil && !errors.Is(err, io.EOF) {
		return p.fail(err)
	}
	if o["of"] != "" {
		flags := os.O_WRONLY | os.O_CREATE
		if !strings.Contains(o["conv"], "notrunc") && n["seek"] == 0 {
			flags |= os.O_TRUNC
		}
		f, err := os.OpenFile(p.path(o["of"]), flags, 0o666)
		if err != nil {
			return p.fail(err)
		}
		defer f.Close()
		if _, err := f.Seek(n["seek"]*n["bs"], io.SeekStart); err != nil {
			return p.fail(err)
		}
		out = f
	}
	if n["count"] >= 0 {
		in = io.LimitReader(in, n["count"]*n["bs"])
	}
	started := time.Now()
	done, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, max(n["bs"], 1)))
	if err != nil {
		return p.fail(err)
	}
	if o["status"] != "none" {
		fmt.Fprintf(p.err, "%d bytes copied, %.3f s\n", done, time.Since(started).Seconds())
	}
	return 0
}
