package rootfs

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// maxAccounts is how large a list of users or groups may be.
const maxAccounts = 1 << 20

// Owner finds the numbers of USER[:GROUP], which may be names of the image's own. Without a group, a
// user's own counts.
func (r *Root) Owner(ctx context.Context, text string) (uid, gid int, err error) {
	user, group, hasGroup := strings.Cut(text, ":")
	if user == "" && !hasGroup {
		return 0, 0, nil
	}
	uid, own, err := r.user(ctx, user)
	if err != nil || !hasGroup {
		return uid, own, err
	}
	if n, ok := number(group); ok {
		return uid, n, nil
	}
	line, err := r.line(ctx, "/etc/group", 0, group)
	switch {
	case err != nil:
		return 0, 0, err
	case len(line) < 3:
		return 0, 0, fault.New(fault.NotFound, "", "the image has no group %q", group)
	}
	gid, _ = number(line[2])
	return uid, gid, nil
}

func (r *Root) user(ctx context.Context, name string) (uid, gid int, err error) {
	n, isNumber := number(name)
	field, key := 0, name
	if isNumber {
		field, key = 2, strconv.Itoa(n)
	}
	line, err := r.line(ctx, "/etc/passwd", field, key)
	switch {
	case err != nil:
		return 0, 0, err
	case len(line) < 4 && isNumber:
		return n, n, nil // as Docker does with a number that nobody has
	case len(line) < 4:
		return 0, 0, fault.New(fault.NotFound, "", "the image has no user %q", name)
	}
	uid, _ = number(line[2])
	gid, _ = number(line[3])
	return uid, gid, nil
}

func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// line is the first whose field is that text, in a file as /etc/passwd; nil if there is none.
func (r *Root) line(ctx context.Context, file string, field int, text string) ([]string, error) {
	e, err := r.Stat(ctx, file)
	if err != nil || e == nil {
		return nil, err
	}
	if e.Size > maxAccounts {
		return nil, fault.New(fault.Usage, "", "the image's %s is larger than %d KiB", file, maxAccounts>>10)
	}
	var content bytes.Buffer
	if err := r.Extract(e, &content); err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(content.String(), "\n") {
		if fields := strings.Split(line, ":"); len(fields) > field && fields[field] == text {
			return fields, nil
		}
	}
	return nil, nil
}
