package disk

import (
	"crypto/rand"
	"os"
	"path"
)

// Link makes a file one more name of another, in place of what had that name; linked is false where the
// file system can't.
func Link(root *os.Root, from, to string) (linked bool, err error) {
	dir := path.Dir(to)
	if err := folders(root, dir); err != nil {
		return false, explain(to, err)
	}
	temporary := path.Join(dir, ".link."+rand.Text()+unfinished)
	if err := root.Link(from, temporary); err != nil {
		return false, nil //nolint:nilerr // it is copied then
	}
	if err := root.Rename(temporary, to); err != nil {
		_ = root.Remove(temporary)
		return false, explain(to, err)
	}
	return true, nil
}
