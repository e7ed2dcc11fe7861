package factoryworker_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/test/hosttest"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

var (
	chaosChanges = flag.Int("chaos-changes", 20, "how many changes of profiles the chaos test makes")
	chaosWorkers = flag.Int("chaos-workers", 2, "how many workers it has, each on a host of its own")
	chaosNodes   = flag.Int("chaos-nodes", 1, "how many nodes RabbitMQ has")
	chaosSeed    = flag.Uint64("chaos-seed", 20261126, "decides what it does, and when")
)

// chaos is a factory whose parts die.
type chaos struct {
	*world
	random  *rand.Rand
	nodes   []*rabbittest.Server
	workers []*mortal
	content map[string][]string // lines of each personality's profile
	mended  sync.WaitGroup      // of the cables that are cut
}

// mortal is a worker that is killed and started again, as systemd would, on a host whose cable can be cut.
type mortal struct {
	child child
	host  *hosttest.Host

	mu   sync.Mutex
	cmd  *exec.Cmd
	over bool
	done sync.WaitGroup
}

// start starts the worker, and starts it again whenever it ends.
func (m *mortal) start(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(m.child)
	if err != nil {
		t.Fatal(err)
	}
	run := func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.cmd = m.host.Command(context.Background(), os.Args[0])
		m.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
		if !m.over {
			err = m.cmd.Start()
		}
		return !m.over && err == nil
	}
	m.done.Go(func() {
		for run() {
			_ = m.cmd.Wait()
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd != nil && m.cmd.Process != nil {
		_ = m.cmd.Process.Signal(syscall.SIGKILL)
	}
}

// end ends it for good.
func (m *mortal) end() {
	m.mu.Lock()
	m.over = true
	m.mu.Unlock()
	m.kill()
	m.done.Wait()
}

const personalities = 5

func personality(n int) string { return fmt.Sprint("chaos", n) }

// change adds, changes, moves or deletes a line of a profile, and writes it.
func (c *chaos) change() {
	c.t.Helper()
	p := personality(c.random.IntN(personalities))
	lines := c.content[p]
	switch n := c.random.IntN(4); {
	case n == 0 && len(lines) > 0:
		lines = slices.Delete(lines, len(lines)-1, len(lines))
	case n == 1 && len(lines) > 1:
		lines[0], lines[len(lines)-1] = lines[len(lines)-1], lines[0]
	case n == 2 && len(lines) > 0:
		lines[c.random.IntN(len(lines))] += "+"
	default:
		lines = append(lines, fmt.Sprint("line ", c.random.IntN(1000)))
	}
	c.content[p] = lines
	c.put(p)
}

func (c *chaos) put(p string) {
	c.t.Helper()
	// A rename, as a web server's file would change: nobody reads half of it.
	c.write(".new", string(profileOf(p, strings.Join(c.content[p], "\n"))))
	if err := os.Rename(filepath.Join(c.dir, ".new"), filepath.Join(c.dir, "profiles", p+".json")); err != nil {
		c.t.Fatal(err)
	}
}

// watch looks at the profiles again and again, as watch --every does.
func (c *chaos) watch(ctx context.Context, sent func(error)) {
	o := watch.Options{
		Profiles: filepath.Join(c.dir, "profiles"), Cache: filepath.Join(c.dir, "cache"), BuildAll: true,
		Sink: watch.Sink{Open: func(ctx context.Context) (queue.Queue, error) { return openQueue(ctx, "", c.name, c.urls()...) }},
	}
	for ctx.Err() == nil {
		p, err := watch.Make(ctx, o)
		if err == nil {
			if !p.Done() {
				err = p.Apply(ctx, report.Discard)
			}
			p.Close()
		}
		if ctx.Err() == nil {
			sent(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// strike lets one thing go wrong.
func (c *chaos) strike() {
	m := c.workers[c.random.IntN(len(c.workers))]
	switch n := c.random.IntN(10); {
	case n < 4:
		c.t.Log("a worker is killed")
		m.kill()
	case n < 8:
		cut := time.Duration(500+c.random.IntN(3000)) * time.Millisecond
		c.t.Logf("a network is cut for %s", cut)
		m.host.Cut(c.t, true)
		c.mended.Go(func() {
			time.Sleep(cut) // how long the outage lasts, decided by the seed
			m.host.Cut(c.t, false)
		})
	default:
		n := c.random.IntN(len(c.nodes))
		c.t.Logf("RabbitMQ's node %d is killed", n)
		c.nodes[n].Kill()
		c.nodes[n].Run(c.t)
	}
}

func (c *chaos) urls() (all []string) {
	for _, s := range c.nodes {
		all = append(all, s.URL)
	}
	return all
}

// Whatever dies, each image has the newest content of its profile in the end, and nothing is left.
func TestChaos(t *testing.T) {
	t.Parallel()
	hosts := make([]*hosttest.Host, *chaosWorkers)
	for n := range hosts {
		hosts[n] = hosttest.New(t)
	}
	nodes := rabbittest.StartCluster(t, *chaosNodes)
	c := &chaos{
		world: newWorld(t, "", nodes[0].URL), nodes: nodes, random: rand.New(rand.NewPCG(*chaosSeed, 0)), content: map[string][]string{},
	}
	c.write("web.pkr.hcl", strings.Replace(template("sleep 0.2"), `flavor   `, `metadata = { content = var.profile_digest }
  flavor   `, 1)+"\nvariable \"profile_digest\" {}\n")
	c.mkdir("profiles")
	for n := range personalities {
		c.put(personality(n))
	}
	c.open() // declares the queues
	nodes[0].Settle()
	for _, host := range hosts {
		for _, service := range append(c.urls(), c.URL()) {
			u, err := url.Parse(service)
			if err != nil {
				t.Fatal(err)
			}
			host.Reach(t, u.Host)
		}
		o := c.options()
		m := &mortal{host: host, child: child{
			URLs: c.urls(), Name: c.name, Clouds: c.CloudsYAML(), Logs: filepath.Join(c.dir, "logs"), TemplateMap: o.TemplateMap,
			SourceImage: o.SourceImages, Env: o.Packer.Env,
		}}
		m.start(t)
		t.Cleanup(m.end)
		c.workers = append(c.workers, m)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	outcome := make(chan error)
	watching.Go(func() {
		c.watch(ctx, func(err error) {
			select {
			case outcome <- err:
			default: // nobody wants to know just now
			}
		})
	})
	for n := range *chaosChanges {
		c.change()
		if n%4 == 3 {
			c.strike()
		}
		time.Sleep(time.Duration(c.random.IntN(600)) * time.Millisecond)
	}
	c.mended.Wait()
	// All changes are in the queue when a whole look at the profiles has succeeded after the last one.
	for good := 0; good < 2; good++ {
		if err := <-outcome; err != nil && !fault.Is(err, fault.Cancelled) {
			good = -1
		}
	}
	q := c.open()
	eventually(t, "empty queue", func() bool {
		n, err := q.Count(t.Context())
		return err == nil && n.Ready+n.Waiting == 0 && c.newest()
	})
	c.judge()
}

// digest is that of a profile as it is now.
func (c *chaos) digest(p string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "profiles", p+".json"))
	if err != nil {
		c.t.Fatal(err)
	}
	parsed, err := profile.ParseProfile(p, text)
	if err != nil {
		c.t.Fatal(err)
	}
	return parsed.Digest
}

// newest reports whether each image has the newest content.
func (c *chaos) newest() bool {
	now := c.current()
	for n := range personalities {
		i := now["sl7x-x86_64 "+personality(n)]
		if i == nil || i.Properties["content"] != c.digest(personality(n)) {
			return false
		}
	}
	return true
}

// judge judges what there is in the end.
func (c *chaos) judge() {
	c.t.Helper()
	if dead := c.dead(); len(dead) > 0 {
		c.t.Errorf("dead letters %+v", dead)
	}
	// What a worker was working on when all was done already ends without a change.
	eventually(c.t, "cleaned cloud", func() bool { return c.ServerCount() == 0 })
	if !c.newest() {
		c.t.Error("an image isn't the newest any more")
	}
	all := c.built()
	keys, names := map[string]int{}, map[string]int{}
	for _, i := range all {
		names[i.Name]++
		if i.Status != glance.StatusActive || strings.HasSuffix(i.Name, " next") {
			c.t.Errorf("left: image %s, %s", i, i.Status)
		}
		// A profile may become again what it was: then another message asks for the same content.
		keys[i.Properties[worker.ImageKey]+" "+i.Properties[worker.KeyKey]+" for message "+i.Properties[worker.SequenceKey]]++
	}
	for name, n := range names {
		if n > 1 {
			c.t.Errorf("%d images have the name %q", n, name)
		}
	}
	built := 0
	for key, n := range keys {
		built += n
		if n > 1 {
			c.t.Errorf("%s was built %d times", key, n)
		}
	}
	runs := 0
	for n := range personalities {
		runs += len(c.runs("sl7x-x86_64 " + personality(n)))
	}
	c.t.Logf("%d changes, %d images, %d runs of builds", *chaosChanges, built, runs)
}
