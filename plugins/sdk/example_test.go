package sdk_test

import (
	"errors"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func ExampleFail() {
	err := sdk.Fail(sdk.NotFound, "list images with `openstack image list`", "looking for image %q in cloud %q: no such image", "web",
		"dev")
	fmt.Println(err)

	var p *sdk.Problem
	fmt.Println(errors.As(err, &p), p.Kind)
	// Output:
	// looking for image "web" in cloud "dev": no such image
	// true PROBLEM_KIND_NOT_FOUND
}

func ExampleSecret() {
	token := sdk.NewSecret("gAAAAAB")
	fmt.Printf("%v %q %d\n", token, token, token)
	// Output: [redacted] [redacted] [redacted]
}
