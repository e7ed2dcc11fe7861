package registry

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	client "github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

var large = flag.Int("large", 256, "MiB of the layer whose copy is watched")

// asChild is set in a process that only copies: FROM TO PATH...
const asChild = "IMGCTL_TEST_COPY"

func TestMain(m *testing.M) {
	if words := strings.Fields(os.Getenv(asChild)); len(words) > 2 {
		if err := copyHere(words[0], words[1], words[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		hwm, _ := os.ReadFile("/proc/self/status")
		_, peak, _ := strings.Cut(string(hwm), "VmHWM:")
		fmt.Println(strings.Fields(peak)[0])
		os.Exit(0)
	}
	if words := strings.Fields(os.Getenv(asFiller)); len(words) == 2 {
		ctx, cancel := testContext()
		err := fillAndCopy(ctx, words[0], words[1])
		cancel()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func copyHere(from, to string, paths []string) error {
	c, err := client.New(client.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	var jobs []transfer.Job
	for _, path := range paths {
		source, err := reference.Parse(from + "/" + path)
		if err != nil {
			return err
		}
		target, err := reference.Parse(to + "/" + path)
		if err != nil {
			return err
		}
		jobs = append(jobs, transfer.Job{Source: source, Target: target})
	}
	ctx, cancel := testContext()
	defer cancel()
	plan, err := transfer.NewPlan(ctx, transfer.Registries(c), jobs, transfer.Options{})
	if err != nil {
		return err
	}
	return plan.Apply(ctx, report.Discard)
}

func child(t *testing.T, from, to string, paths []string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{asChild + "=" + strings.Join(append([]string{from, to}, paths...), " ")}
	return cmd
}

// A layer is streamed: the memory that its copy takes doesn't depend on its size.
func TestALargeLayerNeedsLittleMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc to tell how much memory a process takes")
	}
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{})
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer(bytes.Repeat([]byte("layer 16 bytes. "), *large<<16),
		types.DockerLayer))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(from.ref(t, "ns/large:1"), image); err != nil {
		t.Fatal(err)
	}
	out, err := child(t, from.host, to.host, []string{"ns/large:1"}).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	peak, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a layer of %d MiB: peak memory %.1f MiB", *large, float64(peak)/1024)
	if peak > 64<<10 {
		t.Errorf("copying a layer of %d MiB took %d KiB of memory", *large, peak)
	}
	same(t, "ns/large:1", from, to)
}

// A process that is killed in the middle leaves nothing that looks whole and isn't, and the next
// one doesn't send again what has arrived.
func TestAKilledCopyIsResumed(t *testing.T) {
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{})
	paths := from.fill(t, 12, 2_000_000)
	target := to.watch(t)
	cmd := child(t, from.host, target.host, paths)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); target.count("PUT", "/blobs/uploads/", " 201") < 6; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			t.Fatalf("no blob arrives: %v\n%s", cmd.Wait(), said.String())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	target.reset()
	if out, err := child(t, from.host, target.host, paths).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, path := range paths {
		same(t, path, from, to)
	}
	const blobs = 1 + 12 + 12
	if sent := target.count("PUT", "/blobs/uploads/", " 201"); sent > blobs-6 {
		t.Errorf("the second run sent %d of %d blobs, and 6 were there", sent, blobs)
	}
}
