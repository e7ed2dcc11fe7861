package bridge

import "github.com/imgctl/packer-plugin-openstack/plugins/sdk"

// Leftovers are the columns of a list of what dead runs have left.
var Leftovers = sdk.Columns{
	{Title: "Kind"},
	{Title: "ID"},
	{Title: "Name"},
	{Title: "Run"},
	{Title: "Age", Unit: sdk.UnitSeconds},
	{Title: "Why"},
	{Title: "Action"},
	{Title: "Outcome"},
	{Title: "Created", Unit: sdk.UnitTime, Hidden: true},
	{Title: "Deadline", Unit: sdk.UnitTime, Hidden: true},
}
