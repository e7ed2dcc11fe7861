package outbound_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// TestMain makes the test's binary a process of a run, too: it asks for the URL, and stays.
func TestMain(m *testing.M) {
	if run := os.Getenv("OUTBOUND_TEST_RUN"); run != "" {
		resp, err := outbound.New(outbound.Policy{Share: run, Connections: 3}).RoundTrip(request(context.Background(), "GET",
			os.Getenv("OUTBOUND_TEST_URL"), ""))
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		fmt.Println(err)
		select {}
	}
	os.Exit(m.Run())
}

func request(ctx context.Context, method, url, body string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-Auth-Token", "secret")
	return req
}

// process starts another process of the run, which has asked the URL when this returns.
func process(t *testing.T, run, url string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "OUTBOUND_TEST_RUN="+run, "OUTBOUND_TEST_URL="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "<nil>\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return kill
}

// counting also counts from how many connections requests came.
func counting(t *testing.T, answer http.HandlerFunc) (*server, func() int) {
	t.Helper()
	var mu sync.Mutex
	from := map[string]bool{}
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		from[r.RemoteAddr] = true
		mu.Unlock()
		answer(w, r)
	})
	return s, func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(from)
	}
}

func linuxOnly(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes share connections on Linux only")
	}
}

func TestARunSharesItsConnections(t *testing.T) {
	linuxOnly(t)
	t.Parallel()
	s, connections := counting(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond) // so that requests overlap
		fmt.Fprintf(w, `{"path":%q}`, r.URL)
	})
	run := t.Name() + fmt.Sprint(time.Now().UnixNano())
	for range 3 {
		process(t, run, s.URL)
	}
	var all sync.WaitGroup
	for n := range 8 {
		tr := outbound.New(outbound.Policy{Share: run, Connections: 3, Whole: true})
		t.Cleanup(tr.Close)
		for m := range 10 {
			all.Go(func() {
				path := fmt.Sprintf("/v2/%d/%d?a=b%%20c", n, m)
				resp, err := tr.RoundTrip(request(context.Background(), "POST", s.URL+path, "body"))
				if err != nil {
					t.Error(err)
					return
				}
				if body, _ := io.ReadAll(resp.Body); string(body) != fmt.Sprintf(`{"path":%q}`, path) || resp.StatusCode != 200 ||
					resp.Request.URL.Host == "run" {
					t.Errorf("%s: %s %s", path, resp.Status, body)
				}
			})
		}
	}
	all.Wait()
	if n := connections(); n > 3 {
		t.Errorf("eleven parts of the run opened %d connections, want 3 at most", n)
	}
	for _, r := range s.requests()[3:] {
		if !strings.HasSuffix(r, " token=true body") || !strings.HasPrefix(r, "POST /v2/") {
			t.Errorf("it got %q", r)
		}
	}
}

// The build that ends first must not close what the others use.
func TestARunKeepsItsConnectionsWhenItsFirstPartEnds(t *testing.T) {
	linuxOnly(t)
	t.Parallel()
	s, connections := counting(t, ok)
	run := t.Name() + fmt.Sprint(time.Now().UnixNano())
	get := func(tr *outbound.Transport) {
		t.Helper()
		if _, err := tr.RoundTrip(request(t.Context(), "GET", s.URL, "")); err != nil {
			t.Fatal(err)
		}
	}
	first := outbound.New(outbound.Policy{Share: run, Connections: 3, Whole: true})
	other := outbound.New(outbound.Policy{Share: run, Connections: 3, Whole: true})
	get(first)
	first.Close()
	get(other)
	other.Close()
	get(first)
	if n := connections(); n != 1 {
		t.Errorf("three requests in turn used %d connections, want 1", n)
	}
}

func TestARunGoesOnWithoutItsFirstProcess(t *testing.T) {
	linuxOnly(t)
	t.Parallel()
	s, _ := counting(t, ok)
	run := t.Name() + fmt.Sprint(time.Now().UnixNano())
	kill := process(t, run, s.URL)
	tr := outbound.New(outbound.Policy{Share: run, Whole: true})
	for n := range 4 {
		if n == 2 {
			kill()
		}
		// The kept connection to the dead process may take one request with it, as any does.
		_, err := tr.RoundTrip(request(t.Context(), "GET", s.URL, ""))
		if err != nil && n == 2 {
			_, err = tr.RoundTrip(request(t.Context(), "GET", s.URL, ""))
		}
		if err != nil {
			t.Errorf("request %d: %v", n, err)
		}
	}
}

// What went wrong is told from each other as without another process: it decides what is repeated.
func TestARunsErrorsKeepTheirKinds(t *testing.T) {
	linuxOnly(t)
	t.Parallel()
	cut := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"half":`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	dropped := serve(t, false, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	secure := serve(t, true, ok)
	good := serve(t, false, ok)
	forged := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Imgctl-Failure", "dial")
		_, _ = w.Write([]byte("{}"))
	})
	run := t.Name() + fmt.Sprint(time.Now().UnixNano())
	process(t, run, good.URL)
	tr := outbound.New(outbound.Policy{Share: run, Whole: true, TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	get := func(ctx context.Context, url string) error {
		_, err := tr.RoundTrip(request(ctx, "POST", url, "x"))
		return err
	}
	if err := get(t.Context(), cut.URL); !errors.Is(err, outbound.ErrCut) {
		t.Errorf("half an answer: %v", err)
	}
	if op, is := errors.AsType[*net.OpError](get(t.Context(), dropped.URL)); !is || op.Op == "dial" {
		t.Errorf("no answer: %v", op)
	}
	if op, is := errors.AsType[*net.OpError](get(t.Context(), "http://127.0.0.1:1")); !is || op.Op != "dial" ||
		!strings.Contains(op.Error(), "refused") {
		t.Errorf("nobody there: %v", op)
	}
	if err := get(t.Context(), secure.URL); err == nil {
		t.Error("an unknown authority is trusted")
	} else if _, is := errors.AsType[*tls.CertificateVerificationError](err); !is {
		t.Errorf("an unknown authority: %v", err)
	}
	if err := get(t.Context(), forged.URL); err != nil {
		t.Errorf("a server that forges a failure: %v", err)
	}
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	gone := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	slow := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
		cancel() // not before: a request that hasn't arrived isn't cancelled for the server
		select {
		case <-r.Context().Done():
			close(gone)
		case <-release:
		}
	})
	if err := get(ctx, slow.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled request: %v", err)
	}
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the server didn't hear that the request was cancelled")
	}
}
