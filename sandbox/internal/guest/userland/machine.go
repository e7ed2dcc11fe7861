//go:build linux

package userland

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	register(map[string]Command{
		"hostname": hostname, "uname": uname, "sleep": sleep, "sync": nothing,
		"kill": kill, "ps": ps, "nproc": nproc, "uptime": uptime, "which": which, "tty": tty, "logger": logger,
		"dd": dd, "arch": arch, "free": free, "stty": nothing, "clear": nothing, "chvt": nothing,
		"true": nothing, "false": func(*Proc) int { return 1 },
	})
}

// nothing is for what has no meaning in a guest. sync is one: the guest's disk is the host's page cache.
func nothing(*Proc) int { return 0 }

func hostname(p *Proc) int {
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
		return p.Fail(err)
	}
	if f.has('s') {
		h, _, _ = strings.Cut(h, ".")
	}
	fmt.Fprintln(p.Out, h)
	return 0
}

func uname(p *Proc) int {
	f, _, ok := p.options("asnrvmpio", "all=a", "kernel-name=s", "nodename=n", "kernel-release=r", "kernel-version=v", "machine=m",
		"processor=p", "operating-system=o")
	if !ok {
		return 1
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return p.Fail(err)
	}
	text := func(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }
	var out []string
	for _, field := range []struct {
		letter byte
		value  string
	}{
		{'s', text(u.Sysname[:])},
		{'n', text(u.Nodename[:])},
		{'r', text(u.Release[:])},
		{'v', text(u.Version[:])},
		{'m', text(u.Machine[:])},
		{'o', "GNU/Linux"},
	} {
		if f.has(field.letter) || f.has('a') || len(f) == 0 && field.letter == 's' || field.letter == 'm' && (f.has('p') || f.has('i')) {
			out = append(out, field.value)
		}
	}
	fmt.Fprintln(p.Out, strings.Join(out, " "))
	return 0
}

func arch(p *Proc) int {
	p.Args = []string{"-m"}
	return uname(p)
}

func nproc(p *Proc) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return p.Fail(err)
	}
	fmt.Fprintln(p.Out, set.Count())
	return 0
}

func uptime(p *Proc) int {
	st, err := os.Stat("/run/imgctl")
	if err != nil {
		return p.Fail(err)
	}
	fmt.Fprintf(p.Out, " %s up %s, 1 user\n", time.Now().Format("15:04:05"), time.Since(st.ModTime()).Round(time.Second))
	return 0
}

func free(p *Proc) int {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return p.Fail(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 {
			values[f[0]] = f[1]
		}
	}
	fmt.Fprintf(p.Out, "               total        free   available\nMem:    %12s%12s%12s\n", values["MemTotal:"], values["MemFree:"],
		values["MemAvailable:"])
	return 0
}

func logger(p *Proc) int {
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
