package transaction

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
)

// ids are the numbers of users and groups in the image.
type ids struct{ users, groups map[string]int }

const maxPasswd = 8 << 20

// findOwners reads the image's users and groups, if files belong to others than root.
func (t *Transaction) findOwners(ctx context.Context) (err error) {
	t.ids = &ids{map[string]int{"root": 0, "": 0}, map[string]int{"root": 0, "": 0}}
	users, groups := false, false
	each := func(user, group string) {
		_, u := t.ids.users[user]
		_, g := t.ids.groups[group]
		users, groups = users || !u, groups || !g
	}
	for at, o := range t.ops {
		switch {
		case o.from != nil:
			each(o.file().User, o.file().Group)
		case o.kept != nil && o.kept.UID < 0:
			each(t.folders[at].User, t.folders[at].Group)
		}
	}
	if users {
		if err := t.readIDs(ctx, "/etc/passwd", t.ids.users); err != nil {
			return err
		}
	}
	if groups {
		if err := t.readIDs(ctx, "/etc/group", t.ids.groups); err != nil {
			return err
		}
	}
	t.noteMissing()
	return nil
}

func (t *Transaction) readIDs(ctx context.Context, file string, to map[string]int) error {
	e, err := t.root.Lstat(ctx, file)
	if err != nil || e == nil {
		return err
	}
	for range maxLinks {
		if e == nil || e.Link == "" {
			break
		}
		link := e.Link
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(e.Path), link)
		}
		if e, err = t.root.Lstat(ctx, link); err != nil {
			return err
		}
	}
	text, err := content(t.root, e, maxPasswd)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		fields := strings.Split(line, ":")
		if len(fields) < 3 {
			continue
		}
		if id, err := strconv.ParseUint(fields[2], 10, 31); err == nil {
			if _, had := to[fields[0]]; !had {
				to[fields[0]] = int(id)
			}
		}
	}
	return nil
}

// content is a file of the image that may not be larger than limit.
func content(r *rootfs.Root, e *rootfs.Entry, limit int64) ([]byte, error) {
	if e == nil {
		return nil, nil
	}
	if e.Size > limit {
		return nil, fmt.Errorf("larger than %d MiB", limit>>20)
	}
	var b bytes.Buffer
	err := r.Extract(e, &b)
	return b.Bytes(), err
}

func (t *Transaction) noteMissing() {
	seen := map[string]bool{}
	for _, at := range t.paths() {
		o := t.ops[at]
		if o.from == nil {
			continue
		}
		if _, ok := t.ids.users[o.file().User]; !ok && !seen["user "+o.file().User] {
			seen["user "+o.file().User] = true
			t.note("the image has no user %s; root gets its files", o.file().User)
		}
		if _, ok := t.ids.groups[o.file().Group]; !ok && !seen["group "+o.file().Group] {
			seen["group "+o.file().Group] = true
			t.note("the image has no group %s; root gets its files", o.file().Group)
		}
	}
}

const (
	setUID = 0o4000
	setGID = 0o2000
)

// of gives the numbers, and the mode without set-user-ID and set-group-ID where they would be
// somebody else's.
func (i *ids) of(user, group string, mode int64) (uid, gid int, _ int64) {
	uid, ok := i.users[user]
	if !ok {
		mode &^= setUID
	}
	gid, ok = i.groups[group]
	if !ok {
		mode &^= setGID
	}
	return uid, gid, mode
}
