package transaction

import (
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
)

// Database is what the transaction changes in rpm's database.
func (t *Transaction) Database() (rpmdb.Change, error) {
	c := rpmdb.Change{Rewrite: map[int64]*header.Header{}}
	for _, f := range t.Added {
		h, err := t.record(f)
		if err != nil {
			return c, err
		}
		c.Add = append(c.Add, h)
	}
	for _, r := range t.Removed {
		c.Remove = append(c.Remove, r.Number)
	}
	slices.Sort(c.Remove)
	for _, i := range t.installed {
		changed := t.replaced[i.Number]
		if len(changed) == 0 || t.removed[i.Package] {
			continue
		}
		states := slices.Clone(i.Header.Bytes(rpm.TagFileStates))
		for n, state := range changed {
			if n < len(states) {
				states[n] = byte(state)
			}
		}
		h, err := i.Header.With(header.Characters(rpm.TagFileStates, states))
		if err != nil {
			return c, err
		}
		c.Rewrite[i.Number] = h
	}
	return c, nil
}

// record is the package's header with what rpm adds to it: the signature's values, the files' states,
// and when it was installed.
func (t *Transaction) record(f *rpmfile.File) (*header.Header, error) {
	values := f.Kept()
	if len(f.Files) > 0 {
		states := make([]byte, len(f.Files))
		for n := range f.Files {
			states[n] = byte(t.states[&f.Files[n]])
		}
		values = append(values, header.Characters(rpm.TagFileStates, states))
	}
	if v, ok := f.Header.Value(rpm.TagPrefixes, rpm.TagInstPrefix); ok {
		values = append(values, v)
	}
	at := uint32(t.o.Time.Unix())
	values = append(values, header.Numbers(rpm.TagInstTime, at), header.Numbers(rpm.TagInstColor, t.color),
		header.Numbers(rpm.TagInstTID, at))
	return f.Header.With(values...)
}
