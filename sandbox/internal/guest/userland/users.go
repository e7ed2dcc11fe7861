//go:build linux

package userland

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// User is an account of /etc/passwd.
type User struct {
	Name        string
	UID, GID    int
	Home, Shell string
}

// rows reads a file of colon-separated fields, those with at least n of them.
func rows(file string, n int) [][]string {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var out [][]string
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), ":"); len(f) >= n {
			out = append(out, f)
		}
	}
	return out
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func users() []User {
	var all []User
	for _, f := range rows("/etc/passwd", 7) {
		all = append(all, User{Name: f[0], UID: number(f[2]), GID: number(f[3]), Home: f[5], Shell: f[6]})
	}
	return all
}

func findUser(fits func(User) bool) (User, bool) {
	all := users()
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], true
	}
	return User{}, false
}

// UserByName finds an account.
func UserByName(name string) (User, bool) {
	return findUser(func(u User) bool { return u.Name == name })
}

func userByID(uid int) (User, bool) { return findUser(func(u User) bool { return u.UID == uid }) }

// UserName is the name of the user, or the number where there is none.
func UserName(uid int) string {
	if u, ok := userByID(uid); ok {
		return u.Name
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	for _, f := range rows("/etc/group", 4) {
		if number(f[2]) == gid {
			return f[0]
		}
	}
	return strconv.Itoa(gid)
}

func groupID(name string) (int, bool) {
	for _, f := range rows("/etc/group", 4) {
		if f[0] == name {
			return number(f[2]), true
		}
	}
	gid, err := strconv.Atoi(name)
	return gid, err == nil
}

// GroupsOf lists the ids of the account's groups, its own first.
func GroupsOf(u User) []int {
	gids := []int{u.GID}
	for _, f := range rows("/etc/group", 4) {
		if gid := number(f[2]); gid >= 0 && gid != u.GID && slices.Contains(strings.Split(f[3], ","), u.Name) {
			gids = append(gids, gid)
		}
	}
	return gids
}

// FreeID is an id from 1000 on that no user and no group has.
func FreeID() int {
	taken := map[int]bool{}
	for _, u := range users() {
		taken[u.UID] = true
	}
	for _, f := range rows("/etc/group", 4) {
		taken[number(f[2])] = true
	}
	id := 1000
	for taken[id] {
		id++
	}
	return id
}
