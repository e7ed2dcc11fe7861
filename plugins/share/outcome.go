package main

import (
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// changeColumns are the columns of the changes that a command makes or would make.
var changeColumns = sdk.Columns{
	{Title: "Image ID", Key: "image_id"},
	{Title: "Image"},
	{Title: "Project ID", Key: "project_id"},
	{Title: "Project"},
	{Title: "Cloud", Hidden: true},
	{Title: "Before"},
	{Title: "After"},
	{Title: "Expires", Unit: sdk.UnitTime},
	{Title: "Note"},
}

// moment is a time as a row shows it, nothing for none.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// tuning is how many images to process at a time, at least one.
func tuning(in *sdk.Input) (int, error) {
	n := in.Int("parallel")
	if n < 1 {
		return 0, fault.Bad("parallel", "", "%d is less than 1", n)
	}
	return n, nil
}
