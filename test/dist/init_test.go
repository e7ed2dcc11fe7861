package dist

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// gitHub is one that has a single release of the plugin: the folder's files. env leads packer to it, through a proxy
// and with a CA of its own, because packer has no setting for another place to download from.
func gitHub(t *testing.T, folder string) (env []string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET api.github.com/repos/imgctl/packer-plugin-openstack/git/matching-refs/tags",
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `[{"ref": "refs/tags/v%s"}]`, version)
		})
	mux.Handle("GET github.com/imgctl/packer-plugin-openstack/releases/download/v"+version+"/",
		http.StripPrefix("/imgctl/packer-plugin-openstack/releases/download/v"+version, http.FileServer(http.Dir(folder))))
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		t.Errorf("packer requests %s %s%s, which isn't known here", q.Method, q.Host, q.URL)
		http.NotFound(w, q)
	})
	certificate, ca := certificate(t, "github.com", "api.github.com")
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // packer looks at HashiCorp's site first, which has no certificate here
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodConnect {
			http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
			return
		}
		there, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		fmt.Fprint(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); there.Close() }()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	return []string{"HTTPS_PROXY=" + proxy.URL, "https_proxy=" + proxy.URL, "NO_PROXY=", "no_proxy=", "SSL_CERT_FILE=" + ca}
}

// certificate is one for the names, and the file of the CA that it is of.
func certificate(t *testing.T, names ...string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// `packer init` finds the release by its tag, checks the archive by the release's list, and installs it.
func TestPackerInit(t *testing.T) {
	folder := files(t)
	packer := packertest.New(t)
	dir := t.TempDir()
	template := filepath.Join(dir, "web.pkr.hcl")
	if err := os.WriteFile(template, []byte(`packer {
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 1.0.0"
    }
  }
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	initialize := func(folder string) (string, error) {
		env := append(gitHub(t, folder), "PACKER_PLUGIN_PATH="+filepath.Join(t.TempDir(), "plugins"))
		out, err := packer.Run(t, env, "init", template)
		if err != nil {
			return out, err
		}
		return packer.Run(t, env, "plugins", "installed")
	}
	if out, err := initialize(folder); err != nil || !strings.Contains(out, "packer-plugin-openstack_v"+version+"_x5.0_") {
		t.Errorf("packer init: %v\n%s", err, out)
	}

	// An archive that isn't the list's is refused.
	forged := filepath.Join(dir, "forged")
	if err := os.CopyFS(forged, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	archives, err := filepath.Glob(filepath.Join(forged, "*.zip"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, archive := range archives {
		f, err := os.OpenFile(archive, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("more"); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := initialize(forged); err == nil || !strings.Contains(strings.ToLower(out), "checksum") {
		t.Errorf("a forged archive: %v\n%s", err, out)
	}
}
