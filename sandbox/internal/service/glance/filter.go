package glance

import (
	"cmp"
	"encoding/csv"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// paging are the parameters of a listing that are no filters.
var paging = []string{"limit", "marker", "sort", "sort_key", "sort_dir"}

// texts are the attributes that are filtered by their text, without regard to case as MariaDB
// compares; those of them in lists take the operators "in:" and "eq:" as well.
var texts = map[string]func(*Image) string{
	"id":               func(i *Image) string { return i.ID },
	"name":             func(i *Image) string { return i.Name },
	"status":           func(i *Image) string { return i.Status },
	"owner":            func(i *Image) string { return i.Owner },
	"checksum":         func(i *Image) string { return i.Checksum },
	"disk_format":      func(i *Image) string { return i.DiskFormat },
	"container_format": func(i *Image) string { return i.ContainerFormat },
	"os_hash_algo":     func(i *Image) string { return i.HashAlgo },
	"os_hash_value":    func(i *Image) string { return i.HashValue },
	"min_disk":         func(i *Image) string { return strconv.Itoa(i.MinDisk) },
	"min_ram":          func(i *Image) string { return strconv.Itoa(i.MinRAM) },
}

var lists = []string{"id", "name", "status", "disk_format", "container_format"}

type condition func(*Image) bool

// readFilter turns a listing's query into one condition, who sees what included.
func readFilter(c front.Caller, q url.Values) (condition, error) {
	var all []condition
	hidden := false
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if slices.Contains(paging, name) {
			continue
		}
		value := q.Get(name)
		var cond condition
		var err error
		switch name {
		case "visibility", "member_status": // below, together
		case "changes-since":
			err = answer.Fail(http.StatusBadRequest, "The \"changes-since\" filter is no longer available on v2.")
		case "os_hidden":
			hidden, err = boolean(name, value)
		case "protected":
			var want bool
			want, err = boolean(name, value)
			cond = func(i *Image) bool { return i.Protected == want }
		case "tag":
			tags := q[name]
			cond = func(i *Image) bool {
				return !slices.ContainsFunc(tags, func(t string) bool { return !slices.Contains(i.Tags, t) })
			}
		case "size_min", "size_max":
			cond, err = bySize(name, value)
		case "created_at":
			cond, err = byTime(name, value, func(i *Image) time.Time { return i.CreatedAt })
		case "updated_at":
			cond, err = byTime(name, value, func(i *Image) time.Time { return i.UpdatedAt })
		default:
			cond, err = byText(name, value)
		}
		if err != nil {
			return nil, err
		}
		if cond != nil {
			all = append(all, cond)
		}
	}
	sees, err := listed(c, q.Get("visibility"), q.Get("member_status"))
	if err != nil {
		return nil, err
	}
	return func(i *Image) bool {
		if i.Hidden != hidden || !sees(i) {
			return false
		}
		for _, cond := range all {
			if !cond(i) {
				return false
			}
		}
		return true
	}, nil
}

// listed is the rule of who is shown what: an admin everything, others what is public, what is
// their own and what is shared with them in the wanted state (accepted, if none is named);
// community images of others only where they are asked for, also to an admin, who gets not even his own.
func listed(c front.Caller, visibility, memberStatus string) (condition, error) {
	memberStatus = cmp.Or(memberStatus, "accepted")
	if memberStatus != "all" && !slices.Contains(memberStates, memberStatus) {
		return nil, answer.Fail(http.StatusBadRequest, "Invalid status: %s", memberStatus)
	}
	if visibility != "" && visibility != "all" && !slices.Contains(visibilities, visibility) {
		return nil, answer.Fail(http.StatusBadRequest, "Invalid visibility value: %s", visibility)
	}
	isAdmin := c.Is("admin")
	return func(i *Image) bool {
		if visibility != "" && visibility != "all" && i.Visibility != visibility {
			return false
		}
		if isAdmin {
			return i.Visibility != Community || visibility != ""
		}
		if i.Owner != "" && i.Owner == c.ProjectID {
			return true
		}
		switch i.Visibility {
		case Public:
			return true
		case Community:
			return visibility == Community || visibility == "all"
		case Shared:
			m := i.members[c.ProjectID]
			return m != nil && (memberStatus == "all" || m.status == memberStatus)
		}
		return false
	}, nil
}

func boolean(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no":
		return false, nil
	}
	return false, answer.Fail(http.StatusBadRequest, "Invalid value '%s' for '%s' filter. Valid values are 'true' or 'false'.", value, name)
}

func bySize(name, value string) (condition, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, answer.Fail(http.StatusBadRequest, "Unable to filter on a range with a non-numeric value.")
	}
	if name == "size_min" {
		return func(i *Image) bool { return i.Size >= n }, nil
	}
	return func(i *Image) bool { return i.Size <= n && i.Size >= 0 }, nil
}

func byText(name, value string) (condition, error) {
	field, ok := texts[name]
	if !ok {
		return func(i *Image) bool { v, has := i.Properties[name]; return has && strings.EqualFold(v, value) }, nil
	}
	if op, _, colon := strings.Cut(value, ":"); colon && slices.Contains(lists, name) && !slices.Contains([]string{"in", "eq"}, op) {
		return nil, answer.Fail(http.StatusBadRequest, "Unable to filter by unknown operator '%s'.", op)
	}
	if rest, in := strings.CutPrefix(value, "in:"); in && slices.Contains(lists, name) {
		r := csv.NewReader(strings.NewReader(rest))
		values, err := r.Read()
		if err != nil {
			return nil, answer.Fail(http.StatusBadRequest, "Invalid filter value %s. The quote is not closed.", rest)
		}
		return func(i *Image) bool {
			return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, field(i)) })
		}, nil
	}
	if slices.Contains(lists, name) {
		value = strings.TrimPrefix(value, "eq:")
	}
	return func(i *Image) bool { return strings.EqualFold(field(i), value) }, nil
}

var (
	letters       = regexp.MustCompile(`^[a-z]+$`)
	timeOperators = []string{"gt", "gte", "lt", "lte", "eq", "neq"}
)

func byTime(name, value string, field func(*Image) time.Time) (condition, error) {
	op, rest := "eq", value
	if before, after, ok := strings.Cut(value, ":"); ok && letters.MatchString(before) {
		if op, rest = before, after; !slices.Contains(timeOperators, op) {
			return nil, answer.Fail(http.StatusBadRequest, "Unable to filter on a unknown operator.")
		}
	}
	var want time.Time
	var err error
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if want, err = time.Parse(layout, rest); err == nil {
			break
		}
	}
	if err != nil {
		return nil, answer.Fail(http.StatusBadRequest, "Bad \"%s\" query filter format. Use ISO 8601 DateTime notation.", name)
	}
	return func(i *Image) bool {
		switch n := field(i).Compare(want); op {
		case "gt":
			return n > 0
		case "gte":
			return n >= 0
		case "lt":
			return n < 0
		case "lte":
			return n <= 0
		case "neq":
			return n != 0
		default:
			return n == 0
		}
	}, nil
}
