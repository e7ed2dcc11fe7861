package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
)

// image makes, changes, shows or deletes an image.
func image(ctx context.Context, s script, out io.Writer, args []string) error {
	if len(args) < 3 {
		return errUsage
	}
	c, err := s.as(args[1])
	if err != nil {
		return err
	}
	if args[0] == "create" {
		return createImage(ctx, s, c, out, args[2], args[3:])
	}
	i, err := c.image(ctx, args[2])
	if err != nil {
		return err
	}
	switch args[0] {
	case "id":
		_, err = fmt.Fprintln(out, i.ID)
	case "set":
		err = setImage(ctx, c, i, args[3:])
	case "save":
		err = saveImage(ctx, s, c, i.ID, args[3:])
	case "show":
		err = showImage(ctx, c, out, i.ID, args[3:])
	case "delete":
		err = images.Delete(ctx, c.images, i.ID).ExtractErr()
	case "deactivate":
		_, err = c.images.Post(ctx, c.images.ServiceURL("images", i.ID, "actions", "deactivate"), nil, nil,
			&gophercloud.RequestOpts{OkCodes: []int{http.StatusNoContent}})
	default:
		err = errUsage
	}
	return err
}

// createImage makes an active image of a few bytes and prints its id.
func createImage(ctx context.Context, s script, c *connection, out io.Writer, name string, words []string) error {
	if err := s.named(name); err != nil {
		return err
	}
	body := map[string]any{"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"}
	more, err := attributes(words)
	if err != nil {
		return err
	}
	maps.Copy(body, more)
	var made struct{ ID string }
	_, err = c.images.Post(ctx, c.images.ServiceURL("images"), body, &made, &gophercloud.RequestOpts{OkCodes: []int{http.StatusCreated}})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, made.ID)
	return imagedata.Upload(ctx, c.images, made.ID, strings.NewReader("data of "+name)).ExtractErr()
}

// saveImage writes an image's data into a file.
func saveImage(ctx context.Context, s script, c *connection, id string, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	data, err := imagedata.Download(ctx, c.images, id).Extract()
	if err != nil {
		return err
	}
	defer data.Close()
	f, err := os.Create(s.ts.MkAbs(args[0]))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, data)
	return errors.Join(err, f.Close())
}

func setImage(ctx context.Context, c *connection, i *images.Image, words []string) error {
	changes, err := attributes(words)
	if err != nil {
		return err
	}
	var patch []map[string]any
	for name, value := range changes {
		op := "replace"
		if _, there := i.Properties[name]; !there &&
			!slices.Contains([]string{"name", "visibility", "os_hidden", "protected", "min_disk", "min_ram", "tags"}, name) {
			op = "add"
		}
		patch = append(patch, map[string]any{"op": op, "path": "/" + name, "value": value})
	}
	_, err = c.images.Patch(ctx, c.images.ServiceURL("images", i.ID), patch, nil, &gophercloud.RequestOpts{
		OkCodes: []int{http.StatusOK}, MoreHeaders: map[string]string{"Content-Type": "application/openstack-images-v2.1-json-patch"},
	})
	return err
}

// showImage prints attributes as NAME=VALUE, all that the service has or those named.
func showImage(ctx context.Context, c *connection, out io.Writer, id string, names []string) error {
	var shown map[string]any
	if _, err := c.images.Get(ctx, c.images.ServiceURL("images", id), &shown, nil); err != nil {
		return err
	}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(shown))
	}
	for _, name := range names {
		if value, ok := shown[name]; ok {
			fmt.Fprintf(out, "%s=%v\n", name, value)
		} else {
			fmt.Fprintf(out, "%s is not set\n", name)
		}
	}
	return nil
}

// listImages prints name, visibility and status of the project's images that this run made.
func listImages(ctx context.Context, s script, out io.Writer, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	c, err := s.as(args[0])
	if err != nil {
		return err
	}
	found, err := c.list(ctx, images.ListOpts{Owner: c.project})
	if err != nil {
		return err
	}
	var lines []string
	for _, i := range found {
		if !strings.Contains(i.Name, s.run) {
			continue
		}
		line := fmt.Sprintf("%s %s %s", i.Name, i.Visibility, i.Status)
		if i.Hidden {
			line += " hidden"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return nil
}

// member shares an image with a person's project, lets that person answer, or takes it back.
func member(ctx context.Context, s script, _ io.Writer, args []string) error {
	if len(args) < 3 {
		return errUsage
	}
	verb, who := args[0], args[1]
	c, err := s.as(who)
	if err != nil {
		return err
	}
	i, err := c.image(ctx, args[2])
	if err != nil {
		return err
	}
	switch {
	case verb == "add" && (len(args) == 4 || len(args) == 5):
		to, err := s.as(args[3])
		if err != nil {
			return err
		}
		if _, err := members.Create(ctx, c.images, i.ID, to.project).Extract(); err != nil || len(args) == 4 {
			return err
		}
		_, err = members.Update(ctx, to.images, i.ID, to.project, members.UpdateOpts{Status: args[4]}).Extract()
		return err
	case verb == "set" && len(args) == 4:
		_, err := members.Update(ctx, c.images, i.ID, c.project, members.UpdateOpts{Status: args[3]}).Extract()
		return err
	case verb == "remove" && len(args) == 4:
		to, err := s.as(args[3])
		if err != nil {
			return err
		}
		return members.Delete(ctx, c.images, i.ID, to.project).ExtractErr()
	}
	return errUsage
}

// listMembers prints who an image is shared with, by the person, and what they answered.
func listMembers(ctx context.Context, s script, out io.Writer, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	c, err := s.as(args[0])
	if err != nil {
		return err
	}
	i, err := c.image(ctx, args[1])
	if err != nil {
		return err
	}
	pages, err := members.List(c.images, i.ID).AllPages(ctx)
	if err != nil {
		return err
	}
	found, err := members.ExtractMembers(pages)
	if err != nil {
		return err
	}
	var lines []string
	for _, m := range found {
		who, err := s.person(m.MemberID)
		if err != nil {
			return err
		}
		lines = append(lines, who+" "+m.Status)
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return nil
}
