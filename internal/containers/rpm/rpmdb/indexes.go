package rpmdb

import (
	"context"
	"database/sql"
	"encoding/binary"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// index is a table that finds packages by one of their values.
type index struct {
	name string
	keys func(h *header.Header, tag header.Tag) []key
	tag  header.Tag
}

// key is one line of an index: what is looked for, and its place among the package's values.
type key struct {
	key   any // string or []byte
	place int
}

func known(name string) *index {
	for _, i := range []index{
		{"Name", texts, rpm.TagName},
		{"Basenames", texts, rpm.TagBasenames},
		{"Group", group, rpm.TagGroup},
		{"Requirename", required, rpm.TagRequireName},
		{"Providename", texts, rpm.TagProvideName},
		{"Conflictname", withRich, rpm.TagConflictName},
		{"Obsoletename", texts, rpm.TagObsoleteName},
		{"Triggername", once, rpm.TagTriggerName},
		{"Dirnames", texts, rpm.TagDirnames},
		{"Installtid", numbers, rpm.TagInstTID},
		{"Sigmd5", data, rpm.TagSigMD5},
		{"Sha1header", texts, rpm.TagSHA1},
		{"Filetriggername", fileTriggers(rpm.TagFileTriggerIndex), rpm.TagFileTriggerName},
		{"Transfiletriggername", fileTriggers(rpm.TagTransFileTriggerIndex), rpm.TagTransFileTriggerName},
		{"Recommendname", withRich, rpm.TagRecommend},
		{"Suggestname", withRich, rpm.TagSuggest},
		{"Supplementname", withRich, rpm.TagSupplement},
		{"Enhancename", withRich, rpm.TagEnhance},
	} {
		if i.name == name {
			return &i
		}
	}
	return nil
}

func (i index) put(ctx context.Context, tx *sql.Tx, number int64, h *header.Header) error {
	keys := i.keys(h, i.tag)
	if len(keys) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO '"+i.name+"' VALUES(?, ?, ?)") //nolint:gosec // one of known's names
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, k := range keys {
		if k.key == "" {
			k.key = "\x00" // an empty name is stored as one zero byte
		}
		if _, err := insert.ExecContext(ctx, k.key, number, k.place); err != nil {
			return err
		}
	}
	return nil
}

func texts(h *header.Header, tag header.Tag) (all []key) {
	for n, text := range h.Strings(tag) {
		all = append(all, key{text, n})
	}
	return all
}

func group(h *header.Header, tag header.Tag) []key {
	if !h.Has(tag) {
		return []key{{"Unknown", 0}}
	}
	return []key{{h.Text(tag), 0}}
}

// withRich adds the names in boolean dependencies.
func withRich(h *header.Header, tag header.Tag) (all []key) {
	for _, k := range texts(h, tag) {
		all = append(all, k)
		all = append(all, richNames(k)...)
	}
	return all
}

func richNames(k key) (all []key) {
	text, _ := k.key.(string)
	for _, name := range (rpm.Dependency{Name: text}).IndexNames() {
		all = append(all, key{name, k.place})
	}
	return all
}

// required leaves out what is only needed during installation.
func required(h *header.Header, tag header.Tag) (all []key) {
	flags := h.Ints(rpm.TagRequireFlags)
	for n, k := range texts(h, tag) {
		if n < len(flags) && (rpm.Dependency{Flags: rpm.Sense(flags[n])}).Transient() {
			continue
		}
		all = append(all, k)
		all = append(all, richNames(k)...)
	}
	return all
}

func once(h *header.Header, tag header.Tag) (all []key) {
	seen := map[any]bool{}
	for _, k := range texts(h, tag) {
		if !seen[k.key] {
			seen[k.key] = true
			all = append(all, k)
		}
	}
	return all
}

// numbers are as the machine that rpm runs on has them. All that images are made for are
// little-endian, but s390x.
func numbers(h *header.Header, tag header.Tag) (all []key) {
	for n, one := range h.Ints(tag) {
		all = append(all, key{binary.LittleEndian.AppendUint32(nil, uint32(one)), n})
	}
	return all
}

func data(h *header.Header, tag header.Tag) []key {
	if !h.Has(tag) {
		return nil
	}
	return []key{{h.Bytes(tag), 0}}
}

func fileTriggers(index header.Tag) func(*header.Header, header.Tag) []key {
	return func(h *header.Header, tag header.Tag) (all []key) {
		places := h.Ints(index)
		for n, k := range texts(h, tag) {
			if n < len(places) {
				k.place = int(places[n])
				all = append(all, k)
			}
		}
		return all
	}
}
