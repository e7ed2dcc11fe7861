//go:build linux

package userland

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

func init() {
	register(map[string]Command{"id": id, "whoami": whoami, "logname": whoami, "groups": groups, "getent": getent})
}

func id(p *Proc) int {
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
		fmt.Fprintln(p.Out, name(uid, UserName))
	case f.has('g'):
		fmt.Fprintln(p.Out, name(gid, groupName))
	case f.has('G'):
		var all []string
		for _, g := range gids {
			all = append(all, name(g, groupName))
		}
		fmt.Fprintln(p.Out, strings.Join(all, " "))
	default:
		var all []string
		for _, g := range gids {
			all = append(all, fmt.Sprintf("%d(%s)", g, groupName(g)))
		}
		fmt.Fprintf(p.Out, "uid=%d(%s) gid=%d(%s) groups=%s\n", uid, UserName(uid), gid, groupName(gid), strings.Join(all, ","))
	}
	return 0
}

func whoami(p *Proc) int {
	fmt.Fprintln(p.Out, UserName(os.Geteuid()))
	return 0
}

func groups(p *Proc) int {
	p.Args = append([]string{"-Gn"}, p.Args...)
	return id(p)
}

func getent(p *Proc) int {
	if len(p.Args) < 1 {
		return p.usage("DATABASE [KEY]...")
	}
	file := map[string]string{"passwd": "/etc/passwd", "group": "/etc/group", "hosts": "/etc/hosts"}[p.Args[0]]
	if file == "" {
		return 1
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return 2
	}
	found := len(p.Args) == 1
	for line := range strings.Lines(string(b)) {
		fields := strings.FieldsFunc(strings.TrimSpace(line), func(r rune) bool { return r == ':' || file == "/etc/hosts" && r == ' ' })
		if len(p.Args) == 1 || len(fields) > 2 && slices.Contains(p.Args[1:], fields[0]) || len(fields) > 2 &&
			slices.Contains(p.Args[1:], fields[2]) {
			found = true
			fmt.Fprint(p.Out, line)
		}
	}
	if !found {
		return 2
	}
	return 0
}
