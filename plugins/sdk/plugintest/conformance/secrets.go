package conformance

import (
	"errors"
	"fmt"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// flagCanary is the value of every flag that is a secret.
const flagCanary = "canary-of-a-flag"

// looks is at how many messages the processes' arguments and environment are looked at.
const looks = 5

// secrets runs the command with secrets that are looked for wherever they don't belong.
func (k *kit) secrets(c *pluginv1.Command) error {
	var (
		process *Process
		cloud   *Cloud
		places  []string
		looked  int
	)
	look := func() {
		for _, s := range append(cloud.Tokens(), flagCanary) {
			places = append(places, process.exposed(s)...)
		}
	}
	h := accepting
	h.See = func(*pluginv1.PluginMessage) {
		if looked++; looked <= looks {
			look()
		}
	}
	start := plausible(c, k.dir)
	start.Verbosity = 2
	r, cloud, err := k.run(start, c, h, whenLong, func(c *Cloud, p *Process) { cloud, process = c, p })
	if err != nil {
		return err
	}
	found := leaks(r, process.Stderr(), append(cloud.Tokens(), flagCanary))
	for _, place := range places {
		found = append(found, "a secret is in "+place)
	}
	if len(found) > 0 {
		return errors.New(found[0] + more(len(found)))
	}
	return nil
}

func more(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n-1)
}
