package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
)

// formats are those of which a cloud has to take one.
var formats = []string{"raw", "qcow2"}

// upload says what Glance tells of uploads, and what came of one.
func upload(_ context.Context, e *env) finding {
	if err := e.test.schema.err; err != nil {
		return unknown(err)
	}
	offered := e.test.schema.value.values("disk_format")
	if len(offered) > 0 && !slices.ContainsFunc(formats, func(f string) bool { return slices.Contains(offered, f) }) {
		return found(unmet, fault.Advise("enable one of these formats in Glance"), "Glance takes neither raw nor qcow2, only %s",
			strings.Join(offered, ", "))
	}
	methods := "no way to import"
	if len(e.test.methods.value) > 0 {
		methods = "import by " + strings.Join(e.test.methods.value, ", ")
	}
	if e.uploaded == nil && e.o.Active != nil {
		return found(told, fault.Advice{}, "not tried yet: an image of 1 MiB is uploaded in each format, and removed; %s", methods)
	}
	if e.uploaded == nil {
		return found(told, fault.Advise("upload an image with %s", fault.Option("active")), "not tried; %s", methods)
	}
	f := *e.uploaded
	f.evidence += "; " + methods
	return f
}

// imageQuota compares the limits that Keystone keeps for Glance, where it has any.
func imageQuota(_ context.Context, e *env) finding {
	t := e.p.Test
	images := int64(2*t.Images + 1)
	mib := images * (t.ImageSize >> 20)
	want := fmt.Sprintf("%d images with %d GiB are needed at most", images, mib>>10)
	q := e.test.quotas
	if q.err != nil {
		return unknown(q.err)
	}
	if err := q.value.Failure("image"); err != nil {
		return unknown(err)
	}
	return compare(q, []need{{quota.Images, images}, {quota.ImageMiB, mib}}, optional, want)
}

// imageFeatures says what Glance can do with images, by its schema.
func imageFeatures(_ context.Context, e *env) finding {
	if err := e.test.schema.err; err != nil {
		return unknown(err)
	}
	var has, lacks []string
	s := e.test.schema.value
	note := func(ok bool, what string) {
		if ok {
			has = append(has, what)
		} else {
			lacks = append(lacks, what)
		}
	}
	note(slices.Contains(s.values("visibility"), "shared"), "shared images")
	note(slices.Contains(s.values("visibility"), "community"), "community images")
	_, hidden := s.Properties["os_hidden"]
	note(hidden, "hidden images")
	note(slices.Contains(e.test.methods.value, "copy-image"), "copies between stores")
	text := strings.Join(has, ", ")
	if len(lacks) > 0 {
		text = fmt.Sprintf("there are %s; there are no %s", text, strings.Join(lacks, ", "))
	}
	if len(e.features) > 0 {
		text += "; " + strings.Join(e.features, ", ")
	}
	if len(lacks) == 0 {
		return pass("%s", text)
	}
	return found(told, fault.Advice{}, "%s", text)
}
