//go:build linux

package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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
		"id": id, "whoami": whoami, "groups": groups, "hostname": hostname, "uname": uname, "printenv": printenv, "sleep": sleep, "sync": nothing,
		"date": date, "kill": kill, "ps": ps, "nproc": nproc, "uptime": uptime, "which": which, "tty": tty, "logger": logger, "getent": getent,
		"dd": dd, "expr": expr, "arch": arch, "free": free, "logname": whoami, "stty": nothing, "clear": nothing, "chvt": nothing,
		"true": nothing, "false": func(*proc) int { return 1 },
		"test": builtin, "[": builtin, "echo": builtin, "printf": builtin, "pwd": builtin,
	})
	registerAlone(map[string]command{"env": env, "timeout": timeout, "nohup": nohup, "nice": nice, "setsid": setsid, "time": timed})
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

func id(p *proc) int {
	f, names, ok := p.options("ugnGr", "user=u", "group=g", "name=n", "groups=G", "real=r")
	if !ok {
		return 1
	}
	uid, gid := os.Geteuid(), os.Getegid()
	gids, _ := os.Getgroups()
	if len(names) > 0 {
		u, ok := UserByName(names[0])
		if !ok {
			if u, ok = userByID(number(names[0])); !ok {
				return p.failf("'%s': no such user", names[0])
			}
		}
		uid, gid, gids = u.UID, u.GID, GroupsOf(u)
	}
	if !slices.Contains(gids, gid) {
		gids = append([]int{gid}, gids...)
	}
	name := func(id int, of func(int) string) string {
		if f.has('n') {
			return of(id)
		}
		return strconv.Itoa(id)
	}
	switch {
	case f.has('u'):
		fmt.Fprintln(p.out, name(uid, userName))
	case f.has('g'):
		fmt.Fprintln(p.out, name(gid, groupName))
	case f.has('G'):
		var all []string
		for _, g := range gids {
			all = append(all, name(g, groupName))
		}
		fmt.Fprintln(p.out, strings.Join(all, " "))
	default:
		var all []string
		for _, g := range gids {
			all = append(all, fmt.Sprintf("%d(%s)", g, groupName(g)))
		}
		fmt.Fprintf(p.out, "uid=%d(%s) gid=%d(%s) groups=%s\n", uid, userName(uid), gid, groupName(gid), strings.Join(all, ","))
	}
	return 0
}

func whoami(p *proc) int {
	fmt.Fprintln(p.out, userName(os.Geteuid()))
	return 0
}

func groups(p *proc) int {
	p.args = append([]string{"-Gn"}, p.args...)
	return id(p)
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

func env(p *proc) int {
	f, args, ok := p.options("+iu:0C:S:", "ignore-environment=i", "unset=u", "null=0", "chdir=C", "split-string=S")
	if !ok {
		return 125
	}
	environ := slices.Clone(p.environ)
	if f.has('i') {
		environ = nil
	}
	for _, name := range f['u'] {
		environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	}
	if f.has('C') {
		p.dir = p.path(f.value('C', ""))
	}
	if f.has('S') {
		args = append(strings.Fields(f.value('S', "")), args...)
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		environ = set(environ, args[0])
		args = args[1:]
	}
	if len(args) == 0 {
		for _, e := range environ {
			fmt.Fprintln(p.out, e)
		}
		return 0
	}
	if environ == nil {
		environ = []string{}
	}
	return p.spawn(args, nil, environ)
}

// set puts NAME=value into an environment.
func set(environ []string, entry string) []string {
	name, _, _ := strings.Cut(entry, "=")
	environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	return append(environ, entry)
}

func printenv(p *proc) int {
	if len(p.args) == 0 {
		for _, e := range p.environ {
			fmt.Fprintln(p.out, e)
		}
		return 0
	}
	status := 0
	for _, name := range p.args {
		i := slices.IndexFunc(p.environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if i < 0 {
			status = 1
			continue
		}
		fmt.Fprintln(p.out, p.environ[i][len(name)+1:])
	}
	return status
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

func date(p *proc) int {
	f, args, ok := p.options("ud:r:s:RI", "utc=u", "universal=u", "date=d", "reference=r", "set=s", "rfc-email=R", "iso-8601=I", "rfc-3339=I")
	if !ok {
		return 1
	}
	t := time.Now()
	switch {
	case f.has('d'):
		var err error
		if t, err = parseDate(f.value('d', "")); err != nil {
			return p.fail(err)
		}
	case f.has('r'):
		st, err := os.Stat(p.path(f.value('r', "")))
		if err != nil {
			return p.fail(err)
		}
		t = st.ModTime()
	case f.has('s'):
		return p.failf("cannot set date: Operation not permitted")
	}
	if f.has('u') {
		t = t.UTC()
	}
	format := "%a %b %e %H:%M:%S %Z %Y"
	switch {
	case f.has('R'):
		format = "%a, %d %b %Y %H:%M:%S %z"
	case f.has('I'):
		format = "%Y-%m-%d"
	case len(args) > 0 && strings.HasPrefix(args[0], "+"):
		format = args[0][1:]
	}
	fmt.Fprintln(p.out, strftime(t, format))
	return 0
}

func parseDate(s string) (time.Time, error) {
	if n, ok := strings.CutPrefix(s, "@"); ok {
		sec, err := strconv.ParseInt(n, 10, 64)
		return time.Unix(sec, 0), err
	}
	switch s {
	case "now", "":
		return time.Now(), nil
	case "today":
		return time.Now(), nil
	case "yesterday":
		return time.Now().AddDate(0, 0, -1), nil
	case "tomorrow":
		return time.Now().AddDate(0, 0, 1), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02", time.RFC1123Z, time.UnixDate, "20060102"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid date '%s'", s)
}

func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'h': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'e': "_2",
		'I': "03", 'p': "PM", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'c': "Mon Jan _2 15:04:05 2006", 'k': "15",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch c := format[i]; c {
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case 'N':
			fmt.Fprintf(&b, "%09d", t.Nanosecond())
		case 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case 'u':
			b.WriteString(strconv.Itoa((int(t.Weekday())+6)%7 + 1))
		case 'n':
			b.WriteByte('\n')
		case '%':
			b.WriteByte('%')
		default:
			if l, ok := layouts[c]; ok {
				b.WriteString(t.Format(l))
			} else {
				b.WriteString("%" + string(c))
			}
		}
	}
	return b.String()
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

func getent(p *proc) int {
	if len(p.args) < 1 {
		return p.usage("DATABASE [KEY]...")
	}
	file := map[string]string{"passwd": "/etc/passwd", "group": "/etc/group", "hosts": "/etc/hosts"}[p.args[0]]
	if file == "" {
		return 1
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return 2
	}
	found := len(p.args) == 1
	for line := range strings.Lines(string(b)) {
		fields := strings.FieldsFunc(strings.TrimSpace(line), func(r rune) bool { return r == ':' || file == "/etc/hosts" && r == ' ' })
		if len(p.args) == 1 || len(fields) > 2 && slices.Contains(p.args[1:], fields[0]) || len(fields) > 2 && slices.Contains(p.args[1:], fields[2]) {
			found = true
			fmt.Fprint(p.out, line)
		}
	}
	if !found {
		return 2
	}
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

// expr is the arithmetic and comparison of two operands, and length and match.
func expr(p *proc) int {
	a := p.args
	value := ""
	switch {
	case len(a) == 1:
		value = a[0]
	case len(a) == 2 && a[0] == "length":
		value = strconv.Itoa(len([]rune(a[1])))
	case len(a) == 3 && a[1] == ":":
		re, err := compile("^"+a[2], false, false)
		if err != nil {
			return p.fail(err)
		}
		m := re.FindStringSubmatch(a[0])
		switch {
		case len(m) > 1:
			value = m[1]
		case m != nil:
			value = strconv.Itoa(len(m[0]))
		case re.NumSubexp() == 0:
			value = "0"
		}
	case len(a) >= 3:
		v, err := calculate(a)
		if err != nil {
			p.fail(err)
			return 2
		}
		value = v
	default:
		return p.usage("EXPRESSION")
	}
	fmt.Fprintln(p.out, value)
	if value == "" || value == "0" {
		return 1
	}
	return 0
}

// calculate works from left to right.
func calculate(a []string) (string, error) {
	left := a[0]
	for rest := a[1:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 {
			return "", errors.New("syntax error")
		}
		x, errX := strconv.Atoi(left)
		y, errY := strconv.Atoi(rest[1])
		numeric := errX == nil && errY == nil
		c := strings.Compare(left, rest[1])
		if numeric {
			c = x - y
		}
		switch op := rest[0]; {
		case op == "=" || op == "==":
			left = strconv.Itoa(btoi(c == 0))
		case op == "!=":
			left = strconv.Itoa(btoi(c != 0))
		case op == "<":
			left = strconv.Itoa(btoi(c < 0))
		case op == "<=":
			left = strconv.Itoa(btoi(c <= 0))
		case op == ">":
			left = strconv.Itoa(btoi(c > 0))
		case op == ">=":
			left = strconv.Itoa(btoi(c >= 0))
		case !numeric:
			return "", errors.New("non-integer argument")
		case op == "+":
			left = strconv.Itoa(x + y)
		case op == "-":
			left = strconv.Itoa(x - y)
		case op == "*":
			left = strconv.Itoa(x * y)
		case y == 0:
			return "", errors.New("division by zero")
		case op == "/":
			left = strconv.Itoa(x / y)
		case op == "%":
			left = strconv.Itoa(x % y)
		default:
			return "", errors.New("syntax error")
		}
	}
	return left, nil
}

func timeout(p *proc) int {
	f, args, ok := p.options("+s:k:vp", "signal=s", "kill-after=k", "foreground=p", "preserve-status=v")
	if !ok || len(args) < 2 {
		return p.usage("DURATION COMMAND [ARG]...")
	}
	limit, err := duration(args[0])
	if err != nil {
		p.fail(err)
		return 125
	}
	sig, ok := signalByName(f.value('s', "TERM"))
	if !ok {
		return p.usage("[-s SIGNAL] DURATION COMMAND [ARG]...")
	}
	file, err := Which(args[1], p.environ, p.dir)
	if err != nil {
		fmt.Fprintf(p.err, "timeout: %v\n", err)
		return 127
	}
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, file)
	cmd.Args, cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = args[1:], p.environ, p.dir, p.in, p.out, p.err
	cmd.Cancel = func() error { return cmd.Process.Signal(sig) }
	if k, err := duration(f.value('k', "")); err == nil {
		cmd.WaitDelay = k
	}
	code := p.wait(cmd)
	if ctx.Err() != nil && p.ctx.Err() == nil {
		return 124
	}
	return code
}

func nohup(p *proc) int {
	if len(p.args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	ignoreHangup()
	if f, ok := p.out.(*os.File); ok && isTerminal(f) {
		o, err := os.OpenFile(p.path("nohup.out"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return p.fail(err)
		}
		defer o.Close()
		p.out, p.err = o, o
	}
	return p.spawn(p.args, nil, nil)
}

func nice(p *proc) int {
	_, args, ok := p.options("+n:", "adjustment=n")
	if !ok || len(args) == 0 {
		return p.usage("[-n N] COMMAND [ARG]...")
	}
	return p.spawn(args, nil, nil)
}

func setsid(p *proc) int {
	_, args, ok := p.options("+fwc", "fork=f", "wait=w")
	if !ok || len(args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	_, _ = unix.Setsid()
	return p.spawn(args, nil, nil)
}

func timed(p *proc) int {
	_, args, ok := p.options("+pv")
	if !ok || len(args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	started := time.Now()
	code := p.spawn(args, nil, nil)
	fmt.Fprintf(p.err, "real\t%.3fs\n", time.Since(started).Seconds())
	return code
}
