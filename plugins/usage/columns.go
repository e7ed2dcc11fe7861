package main

import (
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

var (
	found = sdk.Columns{
		{Title: "Image ID"},
		{Title: "Image"},
		{Title: "Kind"},
		{Title: "ID"},
		{Title: "Name"},
		{Title: "Project"},
		{Title: "How"},
		{Title: "Evidence"},
	}
	impact = sdk.Columns{
		{Title: "Image ID"},
		{Title: "Image"},
		{Title: "Kind"},
		{Title: "ID"},
		{Title: "Name"},
		{Title: "Project"},
		{Title: "Breaks"},
		{Title: "Why"},
	}
	sources = sdk.Columns{
		{Title: "Source"},
		{Title: "Cloud"},
		{Title: "State"},
		{Title: "Uses"},
		{Title: "Detail"},
	}
)
