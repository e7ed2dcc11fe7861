package boottest_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const sshPort = 2223

// world is a sandbox with an image.
type world struct {
	*sandbox.Cloud
	t     *testing.T
	image string
	look  boottest.Site // clients to look around with
}

func newWorld(t *testing.T, o sandbox.Options, files map[string]string) *world {
	t.Helper()
	w := &world{Cloud: sandboxtest.Start(t, o), t: t}
	var data bytes.Buffer
	root := tar.NewWriter(&data)
	for name, content := range files {
		if err := root.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(root, content)
	}
	if err := root.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.image, err = w.AddImage(sandbox.Image{
		Name: "web", Project: "demo", Visibility: "private", Hidden: true, Data: data.Bytes(),
	}); err != nil {
		t.Fatal(err)
	}
	w.look = w.site()
	return w
}

func (w *world) connect() (boottest.Site, error) {
	c, err := cloudtest.Open(w.t.Context(), w.CloudsYAML(), "demo")
	if err != nil {
		return boottest.Site{}, err
	}
	w.t.Cleanup(c.Close)
	s, err := boottest.NewSite(c, cloud.NewRun())
	s.Pace = change.Pace{First: 20 * time.Millisecond, Max: 100 * time.Millisecond}
	return s, err
}

func (w *world) site() boottest.Site {
	w.t.Helper()
	s, err := w.connect()
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// test runs a test, which must leave nothing.
func (w *world) test(ctx context.Context, o boottest.Options) error {
	w.t.Helper()
	o.Image = w.image
	if o.Flavor == "" {
		o.Flavor = "m1.tiny"
	}
	if len(o.Networks) == 0 {
		o.Networks = []string{"private"}
	}
	p, err := boottest.NewPlan(ctx, w.site(), o)
	if err == nil {
		err = p.Apply(ctx, report.Discard)
	}
	w.leavesNothing()
	return err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// left is what is in the project that only a test can have left there.
func (w *world) left() (left []string) {
	ctx := context.WithoutCancel(w.t.Context())
	for _, s := range must(servers.ExtractServers(must(servers.List(w.look.Compute, nil).AllPages(ctx)))) {
		left = append(left, "server "+s.Name)
	}
	for _, k := range must(keypairs.ExtractKeyPairs(must(keypairs.List(w.look.Compute, nil).AllPages(ctx)))) {
		left = append(left, "key pair "+k.Name)
	}
	for _, p := range must(ports.ExtractPorts(must(ports.List(w.look.Network, nil).AllPages(ctx)))) {
		left = append(left, "port "+p.Name)
	}
	for _, f := range must(floatingips.ExtractFloatingIPs(must(floatingips.List(w.look.Network, nil).AllPages(ctx)))) {
		left = append(left, "floating IP "+f.FloatingIP)
	}
	for _, g := range must(groups.ExtractGroups(must(groups.List(w.look.Network, groups.ListOpts{}).AllPages(ctx)))) {
		if g.Name != "default" {
			left = append(left, "security group "+g.Name)
		}
	}
	return left
}

func (w *world) leavesNothing() {
	w.t.Helper()
	if left := w.left(); len(left) > 0 {
		w.t.Errorf("left behind: %s", strings.Join(left, ", "))
	}
}

// marked fails where the image isn't marked so, and hidden still.
func (w *world) marked(result, reason string) {
	w.t.Helper()
	img, _ := w.Image(w.image)
	if img.Properties[boottest.ResultKey] != result || !strings.Contains(img.Properties[boottest.ReasonKey], reason) ||
		(reason == "") != (img.Properties[boottest.ReasonKey] == "") || !img.Hidden {
		w.t.Errorf("the image has %v, hidden %v; want %s, %q", img.Properties, img.Hidden, result, reason)
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	works := boottest.Options{Console: "login:$", FloatingIPNetwork: "public"}
	if err := w.test(t.Context(), works); err != nil {
		t.Fatal(err)
	}
	w.marked(boottest.Passed, "")

	w.ResetRequests()
	if err := w.test(t.Context(), works); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.Requests() {
		if r.Method == http.MethodPost && strings.Contains(r.Path, "/servers") {
			t.Errorf("an image that has passed is tested again: %s", r.Path)
		}
	}
	// A look that the end cuts short doesn't make it the cloud's fault.
	w.Faults().Add(sandbox.Rule{Path: "/compute/**/action", Fault: sandbox.Fault{Do: sandbox.Delay, Wait: 400 * time.Millisecond}})
	err := w.test(t.Context(), boottest.Options{Console: "never", Timeout: 10 * time.Second})
	failure, ok := errors.AsType[*boottest.Failure](err)
	if !ok || !fault.Is(err, fault.Conflict) || !strings.Contains(failure.Console, "login:") {
		t.Errorf("%v", err)
	}
	w.marked(boottest.Failed, "console never: not there after 10s")
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, o := range []boottest.Options{
		{SSHUser: "root", SSHPort: sshPort},
		{Ports: []int{sshPort}},
		{CloudInit: true},
		{SSHUser: "root", SSHPort: sshPort, FloatingIPNetwork: "public"},
	} {
		t.Run(strings.Join(o.Signs(), ", ")+o.FloatingIPNetwork, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{SSHPort: sshPort}, nil) // servers have no inside
			o.Timeout = 10 * time.Second
			err := w.test(t.Context(), o)
			if _, ok := errors.AsType[*boottest.Failure](err); !ok || !strings.Contains(err.Error(), "end of the server's console") {
				t.Error(err)
			}
			w.marked(boottest.Failed, "not there after 10s")
		})
	}
}

// steps remembers what is told.
type steps struct {
	report.Reporter
	mu   sync.Mutex
	told []string
}

func (s *steps) Step(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

// Whoever waits sees where the server is expected to answer, and no scripts.
func TestProgress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{SSHPort: sshPort}, nil)
	look := "for n in 1 2; do\n echo $n\ndone"
	p, err := boottest.NewPlan(t.Context(), w.site(), boottest.Options{
		Image: w.image, Flavor: "m1.tiny", Networks: []string{"private"}, SSHUser: "root", SSHPort: sshPort, Timeout: 10 * time.Second,
		SSHCommands: []string{look, "test -e /a\ntest -e /b\n", "true\n"}, Names: map[string]string{look: "a look around"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &steps{Reporter: report.Discard}
	if err := p.Apply(t.Context(), s); err == nil || strings.Contains(err.Error(), "echo") {
		t.Errorf("it ends in %v", err)
	}
	told := strings.Join(s.told, "\n")
	for _, want := range []string{
		": SSH as root on port 2223, a look around, command test -e /a ..., command true\n", "Waiting for SSH at 127.",
	} {
		if strings.Count(told, want) != 1 {
			t.Errorf("no %q, or several, in\n%s", want, told)
		}
	}
}

func TestInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.WithGuests(t, sandbox.Options{SSHPort: sshPort}), map[string]string{"etc/release": "seven\n"})
	o := boottest.Options{
		SSHUser: "root", SSHPort: sshPort, SSHCommands: []string{"grep seven /etc/release", "true"}, CloudInit: true,
		Ports: []int{sshPort}, Console: "Cloud-init v", Timeout: time.Minute,
	}
	if err := w.test(t.Context(), o); err != nil {
		sandboxtest.SkipWithoutGuests(t, err.Error())
		t.Fatal(err)
	}
	w.marked(boottest.Passed, "")
	o.FloatingIPNetwork = "public"
	if err := w.test(t.Context(), o); err != nil {
		t.Error(err)
	}
	o.SSHCommands = []string{"true", "echo the disk is full; false"}
	if err := w.test(t.Context(), o); !strings.Contains(fmt.Sprint(err), "the disk is full") {
		t.Error(err)
	}
	w.marked(boottest.Failed, "exit status 1: the disk is full")
	if err := w.test(t.Context(), boottest.Options{
		CloudInit: true, UserData: "#!/bin/sh\necho Kernel panic - not syncing: no init > /dev/console\n", Timeout: time.Minute,
		Console: "never",
	}); !strings.Contains(fmt.Sprint(err), "the console says: Kernel panic") {
		t.Error(err)
	}
}

func TestNoSSHServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.WithGuests(t, sandbox.Options{SSHPort: sshPort}), map[string]string{"etc/ssh/sshd_not_to_be_run": ""})
	err := w.test(t.Context(), boottest.Options{SSHUser: "root", SSHPort: sshPort, Timeout: 20 * time.Second})
	sandboxtest.SkipWithoutGuests(t, fmt.Sprint(err))
	if !strings.Contains(fmt.Sprint(err), "sshd: not started") {
		t.Error(err)
	}
	w.marked(boottest.Failed, "SSH at ")
}

// TestCloudAtFault shows that a cloud's failure isn't the image's.
func TestCloudAtFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	full := sandbox.Status(http.StatusForbidden)
	full.Message = "Quota exceeded for instances"
	for _, f := range []struct {
		sandbox.Fault
		kind fault.Kind
	}{{full, fault.Quota}, {sandbox.Status(http.StatusServiceUnavailable), fault.Unavailable}} {
		w.Faults().Add(sandbox.Rule{Method: "POST", Path: "/compute/**/servers", Fault: f.Fault})
		err := w.test(t.Context(), boottest.Options{Console: "login", Timeout: time.Minute})
		if _, failed := errors.AsType[*boottest.Failure](err); failed || !fault.Is(err, f.kind) {
			t.Errorf("%s: %v", f.Fault, err)
		}
		w.Faults().Clear()
	}
	img, _ := w.Image(w.image)
	if len(img.Properties) > 0 {
		t.Errorf("the image is marked: %v", img.Properties)
	}
}

// TestEveryRequest makes each request fail in turn, in several ways.
func TestEveryRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	o := boottest.Options{
		Console: "login:", SSHPort: sshPort, Ports: nil, FloatingIPNetwork: "public", Again: true, Timeout: 20 * time.Second,
	}
	for _, f := range []sandbox.Fault{
		sandbox.Status(http.StatusServiceUnavailable), sandbox.StatusAfter(http.StatusInternalServerError),
		{Do: sandbox.DropAfter},
		{Do: sandbox.DropBefore},
		sandbox.Status(http.StatusForbidden),
	} {
		for nth := 1; ; nth++ {
			hit := false
			w.Faults().Add(sandbox.Rule{Nth: nth, Fault: func() sandbox.Fault {
				f := f
				f.Before = func(*http.Request) { hit = true }
				return f
			}()})
			var err error
			site, err := w.connect()
			if err == nil {
				o.Image, o.Flavor, o.Networks = w.image, "m1.tiny", []string{"private"}
				var p *boottest.Plan
				if p, err = boottest.NewPlan(t.Context(), site, o); err == nil {
					err = p.Apply(t.Context(), report.Discard)
				}
			}
			w.Faults().Clear()
			if _, failed := errors.AsType[*boottest.Failure](err); failed {
				t.Errorf("%s at request %d: the image gets the blame: %v", f, nth, err)
			}
			if left := w.left(); len(left) > 0 && !fault.Is(err, fault.Partial) {
				t.Errorf("%s at request %d left %v, and says %v", f, nth, left, err)
			}
			for _, s := range must(servers.ExtractServers(must(servers.List(w.look.Compute, nil).AllPages(t.Context())))) {
				must(0, servers.Delete(t.Context(), w.look.Compute, s.ID).ExtractErr())
			}
			w.clear()
			if !hit {
				break
			}
		}
	}
}

// clear removes what a test said that it left.
func (w *world) clear() {
	ctx := w.t.Context()
	for _, f := range must(floatingips.ExtractFloatingIPs(must(floatingips.List(w.look.Network, nil).AllPages(ctx)))) {
		_ = floatingips.Delete(ctx, w.look.Network, f.ID).ExtractErr()
	}
	for _, p := range must(ports.ExtractPorts(must(ports.List(w.look.Network, nil).AllPages(ctx)))) {
		_ = ports.Delete(ctx, w.look.Network, p.ID).ExtractErr()
	}
}

// TestCancelled cancels the test at each request.
func TestCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	for nth := 1; ; nth++ {
		ctx, cancel := context.WithCancel(t.Context())
		hit := false
		site := w.site()
		w.Faults().Add(sandbox.Rule{Nth: nth, Fault: sandbox.Fault{
			Do: sandbox.Observe, Before: func(*http.Request) { hit = true; cancel() },
		}})
		o := boottest.Options{
			Image: w.image, Flavor: "m1.tiny", Networks: []string{"private"}, Console: "login:", Ports: []int{sshPort}, SSHUser: "root",
			SSHPort: sshPort, FloatingIPNetwork: "public", Again: true, Timeout: 20 * time.Second,
		}
		p, err := boottest.NewPlan(ctx, site, o)
		if err == nil {
			err = p.Apply(ctx, report.Discard)
		}
		cancel()
		w.Faults().Clear()
		if err == nil || !hit {
			t.Fatalf("cancelled at request %d: %v", nth, err)
		}
		w.leavesNothing()
		if nth > 30 { // by now it only waits
			return
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]boottest.Options{
		"flavor: it is empty":          {Console: "x"},
		"nothing says how":             {Flavor: "f"},
		"ssh_command: set ssh_user":    {Flavor: "f", Console: "x", SSHCommands: []string{"true"}},
		"ssh_command: one of":          {Flavor: "f", SSHUser: "root", SSHCommands: []string{" "}},
		"network: one of":              {Flavor: "f", SSHUser: "root", Networks: []string{""}},
		"console: error parsing":       {Flavor: "f", Console: "("},
		"port: 70000 is not":           {Flavor: "f", Ports: []int{70000}},
		"timeout: -1s is negative":     {Flavor: "f", Console: "x", Timeout: -time.Second},
		"cleanup_timeout: -1s is nega": {Flavor: "f", Console: "x", CleanupTimeout: -time.Second},
	} {
		if err := errors.Join(o.Validate()...); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	w := newWorld(t, sandbox.Options{}, nil)
	for want, o := range map[string]boottest.Options{
		`flavor: there is no "huge"`:               {Flavor: "huge", Console: "x"},
		`network: there is no "nowhere"`:           {Networks: []string{"nowhere"}, Console: "x"},
		`security_group: there is no "nobody"`:     {SecurityGroups: []string{"nobody"}, Console: "x"},
		`floating_ip_network: there is no "inner"`: {FloatingIPNetwork: "inner", Console: "x"},
	} {
		if err := w.test(t.Context(), o); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
