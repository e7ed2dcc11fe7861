package conformance

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// store is the images of a cloud that takes writes: at first one, which has whatever name is asked for until
// something is written.
type store struct {
	images  []*stored
	written bool
	// wrote is told of the first write, before it is answered; nil is nobody.
	wrote func()
}

// stored is one image.
type stored struct {
	fields  map[string]any
	members map[string]string // their statuses by project
	removed map[string]bool   // projects that are no members any more
}

// Take has the cloud take writes to images from now on, instead of refusing them.
func (c *Cloud) Take() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store = &store{images: []*stored{newStored(c.image.fields())}}
}

// AtFirstWrite has then called after the first write was carried out and before it is answered.
func (c *Cloud) AtFirstWrite(then func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store.wrote = then
}

// Lacks are the requests that were refused although nothing is wrong with them: the kit's cloud has no such thing.
func (c *Cloud) Lacks() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lacks)
}

// State is what the images are like, without what differs from run to run.
func (c *Cloud) State() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, i := range c.store.images {
		f := i.fields
		parts := []string{fmt.Sprintf("%v (%v, %v, hidden %v, protected %v, tags %v)",
			f["name"], f["status"], f["visibility"], f["os_hidden"], f["protected"], f["tags"])}
		for _, m := range c.membersOf(i) {
			parts = append(parts, fmt.Sprintf("member %s %s", m["member_id"], m["status"]))
		}
		all = append(all, strings.Join(parts, ", "))
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func newStored(fields map[string]any) *stored {
	return &stored{fields: fields, members: map[string]string{}, removed: map[string]bool{}}
}

// membersOf are the image's: at first, the projects of the clouds that were asked for.
func (c *Cloud) membersOf(i *stored) []map[string]string {
	all := []map[string]string{}
	for _, m := range c.members() {
		if id := m["member_id"]; i.fields["id"] == imageID && !i.removed[id] && i.members[id] == "" {
			all = append(all, m)
		}
	}
	for id, status := range i.members {
		all = append(all, map[string]string{
			"image_id": fmt.Sprint(i.fields["id"]), "member_id": id, "status": status, "schema": "/v2/schemas/member",
			"created_at": created, "updated_at": created,
		})
	}
	slices.SortFunc(all, func(a, b map[string]string) int { return strings.Compare(a["member_id"], b["member_id"]) })
	return all
}

// found is the answer to a GET of what is below images; nil for what isn't there.
func (c *Cloud) found(below string, query url.Values, caller grant) any {
	id, part, _ := strings.Cut(below, "/")
	if id == "" {
		return map[string]any{"images": c.matching(query, caller)}
	}
	i := c.store.byID(id)
	switch {
	case i == nil:
		return nil
	case part == "":
		return maps.Clone(i.fields) // it is sent while others may write
	case part == "members":
		return map[string]any{"members": c.membersOf(i)}
	}
	for _, m := range c.membersOf(i) {
		if part == "members/"+m["member_id"] {
			return m
		}
	}
	return nil
}

func (s *store) byID(id string) *stored {
	for _, i := range s.images {
		if i.fields["id"] == id {
			return i
		}
	}
	return nil
}

func (c *Cloud) matching(query url.Values, caller grant) []any {
	first := c.store.images
	if !c.store.written && len(first) == 1 {
		if len(c.list(query, caller)) == 1 { // which takes over the name that is asked for
			first[0].fields["name"], first[0].fields["owner"] = c.image.name, c.image.owner
		}
	}
	all := []any{}
	for _, i := range c.store.images {
		matches := true
		for key, values := range query {
			value := fmt.Sprint(i.fields[key])
			switch key {
			case "limit", "sort", "sort_key", "sort_dir", "member_status", "marker":
			case "tag":
				tags, _ := i.fields["tags"].([]any)
				matches = matches && slices.Contains(tags, any(values[0]))
			default:
				matches = matches && slices.Contains(strings.Split(strings.TrimPrefix(values[0], "in:"), ","), value)
			}
		}
		if matches {
			all = append(all, maps.Clone(i.fields))
		}
	}
	return all
}

// write carries out a write to what is below images; false if the kit doesn't know it.
func (c *Cloud) write(r *http.Request, below string, caller grant) (status int, body any, known bool) {
	text, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return http.StatusBadRequest, nil, true
	}
	id, part, _ := strings.Cut(below, "/")
	if id == "" && r.Method == http.MethodPost {
		return c.create(text, caller)
	}
	i := c.store.byID(id)
	if i == nil {
		return 0, nil, false
	}
	kind, name, _ := strings.Cut(part, "/")
	tags, _ := i.fields["tags"].([]any)
	switch r.Method + " " + kind {
	case "PATCH ":
		return i.patch(text)
	case "DELETE ":
		c.store.images = slices.DeleteFunc(c.store.images, func(other *stored) bool { return other == i })
		return http.StatusNoContent, nil, true
	case "PUT file", "POST import":
		i.fields["status"], i.fields["size"] = "active", len(text)
		return http.StatusNoContent, nil, true
	case "PUT tags":
		i.fields["tags"] = append(slices.DeleteFunc(tags, func(t any) bool { return t == name }), name)
		return http.StatusNoContent, nil, true
	case "DELETE tags":
		i.fields["tags"] = slices.DeleteFunc(tags, func(t any) bool { return t == name })
		return http.StatusNoContent, nil, true
	case "POST actions":
		i.fields["status"] = map[string]string{"deactivate": "deactivated", "reactivate": "active"}[name]
		return http.StatusNoContent, nil, true
	case "DELETE members":
		delete(i.members, name)
		i.removed[name] = true
		return http.StatusNoContent, nil, true
	case "POST members", "PUT members":
		return c.member(i, name, text)
	}
	return 0, nil, false
}

func (c *Cloud) create(text []byte, caller grant) (int, any, bool) {
	fields := image{owner: caller.project()}.fields()
	fields["status"], fields["visibility"], fields["id"] = "queued", "shared", newID()
	if err := json.Unmarshal(text, &fields); err != nil {
		return http.StatusBadRequest, nil, true
	}
	c.store.images = append(c.store.images, newStored(fields))
	return http.StatusCreated, maps.Clone(fields), true
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	text := hex.EncodeToString(b[:])
	return strings.Join([]string{text[:8], text[8:12], "4" + text[13:16], "8" + text[17:20], text[20:]}, "-")
}

func (c *Cloud) member(i *stored, project string, text []byte) (int, any, bool) {
	var asked struct{ Member, Status string }
	if err := json.Unmarshal(text, &asked); err != nil {
		return http.StatusBadRequest, nil, true
	}
	if project == "" {
		project, asked.Status = asked.Member, "pending"
	}
	i.members[project] = asked.Status
	for _, m := range c.membersOf(i) {
		if m["member_id"] == project {
			return http.StatusOK, m, true
		}
	}
	return http.StatusNotFound, nil, true
}

// patch applies the operations of openstack-images-v2.1-json-patch.
func (i *stored) patch(text []byte) (int, any, bool) {
	var operations []struct {
		Op, Path string
		Value    any
	}
	if err := json.Unmarshal(text, &operations); err != nil {
		return http.StatusBadRequest, nil, true
	}
	for _, o := range operations {
		field := strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.TrimPrefix(o.Path, "/"))
		_, there := i.fields[field]
		switch {
		case o.Op == "remove" && there:
			delete(i.fields, field)
		case o.Op == "add", o.Op == "replace" && there:
			i.fields[field] = o.Value
		default:
			return http.StatusConflict, nil, true
		}
	}
	return http.StatusOK, maps.Clone(i.fields), true
}
