package quattor

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// dns is a name server on loopback that knows one address. It denies it as often as it is told
// to, and fails where it has no names.
func dns(t *testing.T, address string, denials int32, names ...string) (resolver *net.Resolver, asked *atomic.Int32) {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	asked = new(atomic.Int32)
	go func() {
		for packet := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(answer(packet[:n], address, asked.Add(1) <= denials, names), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}, asked
}

func answer(query []byte, address string, deny bool, names []string) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	q := m.Questions[0]
	switch {
	case len(names) == 0:
		m.RCode = dnsmessage.RCodeServerFailure
	case deny || q.Name.String() != address || q.Type != dnsmessage.TypePTR:
		m.RCode = dnsmessage.RCodeNameError
	default:
		for _, name := range names {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(name)},
			})
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func named(t *testing.T, s Guest, o Options) (string, string, error) {
	t.Helper()
	m := newLocal(t)
	base := quick(m)
	o.ProfileURL, o.ConfFile, o.FetchCommand, o.ConfigureCommand = base.ProfileURL, base.ConfFile, base.FetchCommand, base.ConfigureCommand
	s.Machine = m
	var r told
	result, err := Apply(t.Context(), s, o.WithDefaults(), &r)
	return result.Hostname, r.String(), err
}

const (
	address = "192.0.2.7"
	reverse = "7.2.0.192.in-addr.arpa."
)

func TestWaitDNS(t *testing.T) {
	t.Parallel()
	t.Run("until the address has a name", func(t *testing.T) {
		t.Parallel()
		resolver, asked := dns(t, reverse, 2, "web.example.com.")
		host, said, err := named(t, Guest{Address: address, Resolver: resolver}, Options{})
		if err != nil || host != "web.example.com" || asked.Load() < 3 {
			t.Errorf("got %q, %v after %d questions\n%s", host, err, asked.Load(), said)
		}
	})
	t.Run("several names", func(t *testing.T) {
		t.Parallel()
		resolver, _ := dns(t, reverse, 0, "web.example.com.", "alias.example.com.")
		host, said, err := named(t, Guest{Address: address, Resolver: resolver}, Options{})
		if err != nil || host != "alias.example.com" || !strings.Contains(said,
			"warning: address 192.0.2.7 has several names (alias.example.com., web.example.com.)") {
			t.Errorf("got %q, %v\n%s", host, err, said)
		}
	})
	t.Run("IPv6 with a zone", func(t *testing.T) {
		t.Parallel()
		resolver, _ := dns(t, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa.", 0, "six.example.com.")
		if host, said, err := named(t, Guest{Address: "[fe80::1%eth0]", Resolver: resolver}, Options{}); err != nil ||
			host != "six.example.com" {
			t.Errorf("got %q, %v\n%s", host, err, said)
		}
	})
	t.Run("an address that is a name", func(t *testing.T) {
		t.Parallel()
		if host, said, err := named(t, Guest{Address: "web.example.com."}, Options{}); err != nil || host != "web.example.com" {
			t.Errorf("got %q, %v\n%s", host, err, said)
		}
	})
	t.Run("the option wins", func(t *testing.T) {
		t.Parallel()
		resolver, asked := dns(t, reverse, 0, "web.example.com.")
		if host, said, err := named(t, Guest{Address: address, Resolver: resolver}, Options{Hostname: "other.example.com"}); err != nil ||
			host != "other.example.com" || asked.Load() == 0 {
			t.Errorf("got %q, %v\n%s", host, err, said)
		}
	})
	t.Run("never", func(t *testing.T) {
		t.Parallel()
		resolver, _ := dns(t, reverse, 1<<30, "web.example.com.")
		_, _, err := named(t, Guest{Address: address, Resolver: resolver}, Options{DNSTimeout: 300 * time.Millisecond})
		wantError(t, err, fault.Unavailable, "waiting for the name of address 192.0.2.7: not done after", "check the address's PTR record")
	})
	t.Run("no server", func(t *testing.T) {
		t.Parallel()
		resolver, _ := dns(t, reverse, 0)
		_, _, err := named(t, Guest{Address: address, Resolver: resolver}, Options{DNSTimeout: 2 * time.Second})
		wantError(t, err, fault.Unavailable, "not done after", "server misbehaving")
	})
	t.Run("no address", func(t *testing.T) {
		t.Parallel()
		_, _, err := named(t, Guest{}, Options{})
		wantError(t, err, fault.Usage, "the builder gives no address")
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		resolver, _ := dns(t, reverse, 1<<30, "web.example.com.")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := Apply(ctx, Guest{Address: address, Resolver: resolver}, Options{ProfileURL: "x"}.WithDefaults(), report.Discard)
		wantError(t, err, fault.Cancelled, "waiting for the name of address")
	})
}

// server is a server of the sandbox, as Nova's clients see it.
type server struct {
	sandbox *sandbox.Cloud
	compute *gophercloud.ServiceClient
	id      string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{sandbox: sandboxtest.Start(t, sandbox.Options{})}
	image, err := s.sandbox.AddImage(sandbox.Image{Project: "demo", Data: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if s.compute, err = s.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, err := servers.Create(t.Context(), s.compute, servers.CreateOpts{Name: "build", ImageRef: image, FlavorRef: "1"}, nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	s.id = made.ID
	err = cloud.Poll(t.Context(), "the server", 30*time.Second, func(ctx context.Context) (bool, error) {
		got, err := servers.Get(ctx, s.compute, s.id).Extract()
		return err == nil && got.Status == "ACTIVE", err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) connect(ctx context.Context) (*gophercloud.ServiceClient, error) {
	c, err := cloudtest.Open(ctx, s.sandbox.CloudsYAML(), "demo")
	if err != nil {
		return nil, err
	}
	return c.Compute()
}

func (s *server) set(t *testing.T, metadata map[string]string) {
	t.Helper()
	if _, err := servers.UpdateMetadata(t.Context(), s.compute, s.id, servers.MetadataOpts(metadata)).Extract(); err != nil {
		t.Error(err)
	}
}

func (s *server) site() Guest { return Guest{ServerID: s.id, Address: address, Compute: s.connect} }

func TestWaitMetadata(t *testing.T) {
	t.Parallel()
	t.Run("until the hook is done", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		asked := 0
		path := "/compute/v2.1/servers/" + s.id + "/metadata"
		s.sandbox.Faults().Add(sandbox.Rule{
			Method: "GET", Path: path,
			Fault: sandbox.Fault{Do: sandbox.Observe, After: func(*http.Request) {
				if asked++; asked == 2 {
					s.set(t, map[string]string{"HOSTNAMES": "web.example.com.,other.example.com", "AQ_STATUS": "success"})
				}
			}},
		})
		host, said, err := named(t, s.site(), Options{WaitFor: WaitMetadata, MetadataTimeout: 30 * time.Second})
		if err != nil || host != "web.example.com" || asked < 3 {
			t.Errorf("got %q, %v after %d questions\n%s", host, err, asked, said)
		}
	})
	t.Run("through an outage of Nova", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.set(t, map[string]string{"HOSTNAMES": "web", "AQ_STATUS": "SUCCESS"})
		s.sandbox.Faults().Add(sandbox.Rule{Method: "GET", Path: "/compute/**", Count: 2, Fault: sandbox.Fault{Do: sandbox.DropBefore}})
		if host, said, err := named(t, s.site(), Options{WaitFor: WaitMetadata, MetadataTimeout: 30 * time.Second}); err != nil ||
			host != "web" {
			t.Errorf("got %q, %v\n%s", host, err, said)
		}
	})
	t.Run("without names it asks DNS", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.set(t, map[string]string{"AQ_STATUS": "SUCCESS"})
		site := s.site()
		site.Resolver, _ = dns(t, reverse, 0, "web.example.com.")
		if host, said, err := named(t, site, Options{WaitFor: WaitMetadata, MetadataTimeout: 30 * time.Second}); err != nil ||
			host != "web.example.com" {
			t.Errorf("got %q, %v\n%s", host, err, said)
		}
	})
	for _, c := range []struct {
		name     string
		metadata map[string]string
		change   func(s *server, site *Guest)
		kind     fault.Kind
		want     []string
	}{
		{
			"the hook failed",
			map[string]string{"AQ_STATUS": "FAILED"},
			nil, fault.Conflict,
			[]string{"waiting for AQ_STATUS of server", "its value is FAILED; see the log of Aquilon's hook"},
		},
		{"no hook", nil, nil, fault.Unavailable, []string{"; is Aquilon's hook running? It never set AQ_STATUS"}},
		{"another value", map[string]string{"AQ_STATUS": "WORKING"}, nil, fault.Unavailable, []string{"its value was WORKING"}},
		{"no server id", nil, func(_ *server, site *Guest) { site.ServerID = "" }, fault.Usage, []string{"the builder gives no server id"}},
		{
			"the server is gone", nil, func(s *server, _ *Guest) { servers.Delete(context.Background(), s.compute, s.id) }, fault.NotFound,
			[]string{"waiting for AQ_STATUS", "404"},
		},
		{"no rights", nil, func(s *server, _ *Guest) {
			s.sandbox.Faults().Add(sandbox.Rule{Path: "/compute/**", Fault: sandbox.Fault{
				Do:     sandbox.Answer,
				Status: http.StatusForbidden,
			}})
		}, fault.Forbidden, []string{"waiting for AQ_STATUS", "403"}},
		{"no credentials", nil, func(_ *server, site *Guest) {
			site.Compute = func(context.Context) (*gophercloud.ServiceClient, error) {
				return nil, fault.New(fault.Forbidden, "", "wrong password")
			}
		}, fault.Forbidden, []string{"wrong password"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			if c.metadata != nil {
				s.set(t, c.metadata)
			}
			site := s.site()
			if c.change != nil {
				c.change(s, &site)
			}
			waiting := Options{WaitFor: WaitMetadata, MetadataTimeout: time.Minute}
			if c.kind == fault.Unavailable { // it never ends otherwise
				waiting.MetadataTimeout = 5 * time.Second
			}
			_, said, err := named(t, site, waiting)
			wantError(t, err, c.kind, c.want...)
			if strings.Contains(said, "Writing") {
				t.Errorf("it went on:\n%s", said)
			}
		})
	}
}

func TestProfileURLHasItAll(t *testing.T) {
	t.Parallel()
	o := Options{ProfileURL: "http://a/{{ .Hostname }}/{{ .Address }}/{{ .ServerID }}"}
	got, err := o.profile(Facts{"h", "a", "i"})
	if want := "http://a/h/a/i"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
