// Package registrytest starts container registries on loopback for tests, benchmarks and demos: Debian's
// docker-registry, or one in this process. It fills them with images, counts what they are asked, and
// delays it.
package registrytest

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"golang.org/x/crypto/bcrypt"

	"github.com/imgctl/packer-plugin-openstack/test/loopback"
)

// Program is Debian's registry, of the package docker-registry.
const Program = "docker-registry"

// Options say what a registry is like.
type Options struct {
	// Dir is a folder of its own, for its images. Without one, the registry is in this process and in memory,
	// and takes no other options.
	Dir string
	// Host is the HOST:PORT on loopback to listen on; "" takes a free port.
	Host string
	// Password is that of the user "u"; "" lets everybody in.
	Password string
	// TLS has it serve with a certificate that signs itself; see Registry.CA.
	TLS bool
	// Data is where its images are; "" is a folder in Dir.
	Data string
	// Tokens has it ask for tokens of a service.
	Tokens *Tokens
	// Relative has it answer with Location headers without a host.
	Relative bool
	// Uncached has it look at the disk each time it is asked for a blob, so that tests may remove one.
	Uncached bool
	// Command changes the program's command line, such as to start it in a namespace; nil leaves it.
	Command func(words []string) []string
}

// Tokens is a service that gives tokens.
type Tokens struct{ Realm, Certificate string } // its address, and the file of the certificate that it signs with

// Registry is a registry that runs.
type Registry struct {
	Host string // HOST:PORT
	CA   string // file of its certificate; "" without TLS

	o      Options
	cmd    *exec.Cmd
	server *http.Server
	free   func() // gives up its port
}

// Start starts a registry; Stop ends it.
func Start(ctx context.Context, o Options) (*Registry, error) {
	r := &Registry{o: o}
	if o.Dir == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // on loopback
		if err != nil {
			return nil, err
		}
		r.Host = l.Addr().String()
		quiet := log.New(io.Discard, "", 0)
		r.server = &http.Server{Handler: ggcr.New(ggcr.Logger(quiet)), ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
		go func() { _ = r.server.Serve(l) }()
		return r, nil
	}
	var err error
	if r.Host, r.free, err = loopback.Reserve(cmp.Or(o.Host, "127.0.0.1:0")); err != nil {
		return nil, err
	}
	if err = r.configure(); err == nil {
		err = r.start(ctx)
	}
	if err != nil {
		r.Stop()
	}
	return r, err
}

func (r *Registry) file(name string) string { return filepath.Join(r.o.Dir, name) }

// configure writes the program's configuration.
func (r *Registry) configure() error {
	r.o.Data = cmp.Or(r.o.Data, r.file("data"))
	cache := ", cache: {blobdescriptor: inmemory}"
	if r.o.Uncached {
		cache = ""
	}
	text := "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n" +
		"storage: {filesystem: {rootdirectory: '" + r.o.Data + "'}" + cache + ", delete: {enabled: true}}\n" +
		"http:\n  addr: '" + r.Host + "'\n"
	if r.o.Relative {
		text += "  relativeurls: true\n"
	}
	if r.o.TLS {
		r.CA = r.file("ca.pem")
		if err := certificate(r.CA, r.file("key.pem")); err != nil {
			return err
		}
		text += "  tls: {certificate: '" + r.CA + "', key: '" + r.file("key.pem") + "'}\n"
	}
	if r.o.Password != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(r.o.Password), bcrypt.MinCost)
		if err != nil {
			return err
		}
		if err := os.WriteFile(r.file("htpasswd"), []byte("u:"+string(hash)+"\n"), 0o600); err != nil {
			return err
		}
		text += "auth: {htpasswd: {realm: test, path: '" + r.file("htpasswd") + "'}}\n"
	}
	if r.o.Tokens != nil {
		text += "auth: {token: {realm: '" + r.o.Tokens.Realm + "', service: registry, issuer: test, rootcertbundle: '" +
			r.o.Tokens.Certificate + "'}}\n"
	}
	return os.WriteFile(r.file("config.yml"), []byte(text), 0o600)
}

// start runs the program until it listens.
func (r *Registry) start(ctx context.Context) error {
	program, err := exec.LookPath(Program)
	if err != nil {
		return fmt.Errorf("%w: apt-get install %s", err, Program)
	}
	words := []string{program, "serve", r.file("config.yml")}
	if r.o.Command != nil {
		words = r.o.Command(words)
	}
	r.cmd = exec.Command(words[0], words[1:]...) //nolint:noctx // Stop ends it
	r.cmd.Dir, r.cmd.Env = r.o.Dir, []string{"OTEL_TRACES_EXPORTER=none"}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if c, err := net.Dial("tcp", r.Host); err == nil { //nolint:noctx // it answers at once or not
			return c.Close()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("%s doesn't listen on %s", Program, r.Host)
}

// Stop ends the registry.
func (r *Registry) Stop() {
	if r == nil {
		return
	}
	if r.server != nil {
		_ = r.server.Close()
	}
	r.end()
	if r.free != nil {
		r.free()
		r.free = nil
	}
}

// end ends the program; its port stays reserved.
func (r *Registry) end() {
	if r.cmd != nil && r.cmd.Process != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	}
}

// Wipe starts a registry with a folder anew, without images.
func (r *Registry) Wipe(ctx context.Context) error {
	r.end()
	if err := os.RemoveAll(r.o.Data); err != nil {
		return err
	}
	return r.start(ctx)
}

// PID is the process of a registry with a folder.
func (r *Registry) PID() int { return r.cmd.Process.Pid }

// certificate writes one for 127.0.0.1 that signs itself, and its key.
func certificate(file, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signed, err := SelfSigned(key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

// SelfSigned is a certificate for 127.0.0.1 that its own key signs, in DER.
func SelfSigned(key *ecdsa.PrivateKey) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	return x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
}
