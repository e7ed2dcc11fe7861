package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// tryServer boots a server, logs in to it at its public address, and looks around there.
func (e *env) tryServer(ctx context.Context, rep report.Reporter) (finding, error) {
	site, err := boottest.NewSite(e.test.there, e.o.Active.Run)
	if err != nil {
		return unknown(err), nil
	}
	o, f := e.serverOptions(ctx, site.Images)
	if f != nil {
		return *f, nil
	}
	seen := &sight{egress: e.p.Test.Egress, began: time.Now()}
	o.Heard, o.Seen = seen.hear, seen.see(site)
	plan, err := boottest.NewPlan(ctx, site, o)
	if err == nil {
		err = plan.Apply(ctx, rep)
	}
	failure, failed := errors.AsType[*boottest.Failure](err)
	switch {
	case failed:
		return found(unmet, fault.Advise("check the server's console log, and the route to its network"), "image %s, flavor %s: %v",
			plan.Image.Name, plan.Flavor.Name, failure), nil
	case fault.Is(err, fault.Partial):
		return seen.finding(plan), err
	case fault.Is(err, fault.Usage), fault.Is(err, fault.Ambiguous), fault.Is(err, fault.NotFound):
		if told, ok := errors.AsType[*fault.Error](err); ok && fault.Is(err, fault.Usage) && !told.Advice.IsZero() {
			return found(unclear, told.Advice, "%s", plain(err)), nil
		}
		return found(unclear, fault.Advise("choose with %s, %s and %s", fault.Option("network"), fault.Option("flavor"),
			fault.Option("image")), "%s", plain(err)), nil
	case err != nil:
		return found(unmet, fault.Advise("check the service's log for the cause"), "%s", plain(err)), nil
	}
	return seen.finding(plan), nil
}

// wouldBoot says which server an active check boots, before it does.
func (e *env) wouldBoot(ctx context.Context) finding {
	sc, err := e.test.there.Image()
	if err != nil {
		return unknown(err)
	}
	images := glance.New(sc)
	o, f := e.serverOptions(ctx, images)
	if f != nil {
		return *f
	}
	image, flavor := o.Image, o.Flavor
	if img, err := images.Image(ctx, image); err == nil {
		image = cmp.Or(img.Name, image)
	}
	for _, one := range e.test.flavors.value {
		if one.ID == flavor {
			flavor = one.Name
		}
	}
	return found(skipped, fault.Advice{}, "not tried yet: a server with image %s and flavor %s is booted, logged in to as %s, and removed",
		image, flavor, o.SSHUser)
}

// serverOptions are how the server is booted, or why none can be.
func (e *env) serverOptions(ctx context.Context, images *glance.Client) (o boottest.Options, f *finding) {
	a := e.o.Active
	img, user, err := chooseImage(ctx, images, a.Image, a.SSHUser)
	if err != nil {
		u := unknown(err)
		u.verdict = unclear
		u.remedy = fault.Advise("name an image and its user with %s and %s", fault.Option("image"), fault.Option("ssh_user"))
		return o, &u
	}
	flavor := a.Flavor
	if best, volume, _ := e.fitting(); flavor == "" {
		if best == nil || volume && img.MinDisk > best.Disk {
			u := found(unclear, fault.Advise("name a flavor with %s", fault.Option("flavor")), "no flavor fits, and none was named")
			return o, &u
		}
		flavor = best.ID
	}
	look := lookAround(e.p.Test.Egress)
	o = boottest.Options{
		Image: img.ID, Flavor: flavor, SSHUser: user, SSHPort: a.SSHPort, SSHCommands: []string{look},
		Names:   map[string]string{look: "a look around on the server"},
		Timeout: a.Timeout, CleanupTimeout: a.CleanupTimeout, Again: true, Unmarked: true,
	}
	w := e.test.ways()
	switch {
	case a.Network != "":
		o.Networks = []string{a.Network}
	case len(w.direct) > 0:
		o.Networks = []string{w.direct[0].ID}
	}
	if len(w.direct) == 0 && len(w.pools) > 0 && !named(w.pools, a.Network) {
		o.FloatingIPNetwork = w.pools[0].ID
	}
	return o, nil
}

// users are the users of images that distributions publish, by what their names begin with.
var users = []struct{ name, user string }{
	{"cirros", "cirros"},
	{"ubuntu", "ubuntu"},
	{"debian", "debian"},
	{"fedora", "fedora"},
	{"rocky", "rocky"},
	{"almalinux", "almalinux"},
	{"centos", "cloud-user"},
	{"opensuse", "opensuse"},
}

// chooseImage finds the image that was named, or the smallest one whose user is known.
func chooseImage(ctx context.Context, images *glance.Client, named, user string) (*glance.Image, string, error) {
	var found []*glance.Image
	var err error
	switch {
	case glance.IsID(named):
		img, e := images.Image(ctx, named)
		found, err = []*glance.Image{img}, e
	default:
		found, err = images.Select(ctx, glance.Selector{Name: named})
	}
	if err != nil {
		return nil, "", err
	}
	var best *glance.Image
	whose := ""
	for _, img := range found {
		u := cmp.Or(user, usualUser(img))
		if u == "" || named == "" && img.Properties[ProbeKey] != "" || best != nil && best.Size <= img.Size && named == "" {
			continue
		}
		if named != "" && best != nil {
			continue // the newest
		}
		best, whose = img, u
	}
	switch {
	case best == nil && named != "" && len(found) > 0:
		return nil, "", fault.New(fault.Usage, "", "the user of image %q isn't known", named)
	case best == nil && named != "":
		return nil, "", fault.New(fault.NotFound, "", "there is no image %q", named)
	case best == nil:
		return nil, "", fault.New(fault.NotFound, "", "no image was named, and none that is there has a user that is known")
	}
	return best, whose, nil
}

func usualUser(img *glance.Image) string {
	if u := img.Properties["os_admin_user"]; u != "" {
		return u
	}
	for _, known := range users {
		if strings.HasPrefix(strings.ToLower(img.Properties["os_distro"]), known.name) ||
			strings.HasPrefix(strings.ToLower(img.Name), known.name) {
			return known.user
		}
	}
	return ""
}

// noEgress is the profile's host where nodes needn't reach any.
const noEgress = "none"

// lookAround is a command of any shell that tells the MTU, the cores, and whether a host can be reached. It always
// succeeds. The profile's reader lets only the characters of host names through.
func lookAround(host string) string {
	script := `for f in /sys/class/net/*; do n=${f##*/}; [ "$n" = lo ] || echo "mtu $n $(cat $f/mtu 2>/dev/null)"; done
echo "cores $(grep -c ^processor /proc/cpuinfo 2>/dev/null)"
grep -m1 "model name" /proc/cpuinfo 2>/dev/null
`
	if host != noEgress {
		script += `e=untried
for c in "curl -s -k -m 20 -o /dev/null https://HOST/" "wget -q -T 20 -O /dev/null https://HOST/" \
 "nc -z -w 20 HOST 443"; do
 p=${c%% *}
 command -v $p >/dev/null 2>&1 || continue
 if $c >/dev/null 2>&1; then e=yes; break; else e=no; fi
done
echo "egress $e"
`
	}
	return strings.ReplaceAll(script, "HOST", host) + "true"
}

// sight is what was seen of a server.
type sight struct {
	egress string
	began  time.Time

	mu          sync.Mutex
	said        string
	address     string
	took        time.Duration
	console     bool
	configDrive bool
}

func (s *sight) hear(_, output string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said, s.took = output, time.Since(s.began)
}

func (s *sight) see(site boottest.Site) func(context.Context, *servers.Server, string) {
	return func(ctx context.Context, server *servers.Server, address string) {
		out, err := nova.Console(ctx, site.Compute, server.ID, 0)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.address, s.console, s.configDrive = address, err == nil && out != "", server.ConfigDrive
	}
}

var (
	mtuLine   = regexp.MustCompile(`(?m)^mtu (\S{1,32}) (\d{1,6})\r?$`)
	coresLine = regexp.MustCompile(`(?m)^cores (\d{1,5})\r?$`)
	modelLine = regexp.MustCompile(`(?m)^model name\s*: ([^\r\n]{1,80})`)
	reachLine = regexp.MustCompile(`(?m)^egress (yes|no|untried)\r?$`)
)

// finding is what the sight comes to.
func (s *sight) finding(p *boottest.Plan) finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := []string{fmt.Sprintf("image %s, flavor %s: SSH at %s after %s", p.Image.Name, p.Flavor.Name, s.address,
		s.took.Round(100*time.Millisecond))}
	for _, m := range mtuLine.FindAllStringSubmatch(s.said, 4) {
		texts = append(texts, fmt.Sprintf("MTU of %s %s", m[1], m[2]))
	}
	if m := coresLine.FindStringSubmatch(s.said); m != nil && m[1] != "0" {
		cores := m[1] + " cores"
		if model := modelLine.FindStringSubmatch(s.said); model != nil {
			cores += ", " + strings.TrimSpace(model[1])
		}
		texts = append(texts, cores)
	}
	if s.configDrive {
		texts = append(texts, "a config drive")
	}
	f := pass("")
	if !s.console {
		texts = append(texts, "no console")
		f = found(barely, fault.Advise("allow users to read their servers' console logs"), "")
	}
	if s.egress != noEgress {
		switch m := reachLine.FindStringSubmatch(s.said); {
		case m != nil && m[1] == "yes":
			texts = append(texts, "reaches "+s.egress)
		case m != nil && m[1] == "no":
			texts = append(texts, "can't reach "+s.egress)
			f = found(unmet, fault.Advise("allow servers to resolve names and reach the Internet"), "")
		default:
			texts = append(texts, "the image has no program to reach "+s.egress+" with")
			f = found(barely, fault.Advise("name an image that has curl or wget with %s", fault.Option("image")), "")
		}
	}
	f.evidence = strings.Join(texts, ", ")
	return f
}
