package registry

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// tls is how a registry's certificate is checked, and which of ours it gets.
func (c *Client) tls(name string, insecure bool) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	config.InsecureSkipVerify = insecure // only for loopback, and where the user says so
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if c.o.CAFile != "" {
		if err := trust(pool, c.o.CAFile); err != nil {
			return nil, err
		}
	}
	config.RootCAs = pool
	for _, dir := range c.o.CertsDir {
		if err := ofRegistry(config, filepath.Join(dir, filepath.Base(name))); err != nil {
			return nil, err
		}
	}
	return config, nil
}

func trust(pool *x509.CertPool, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fault.Wrap(fault.Usage, "", fmt.Errorf("reading certificates: %w", err))
	}
	if !pool.AppendCertsFromPEM(pem) {
		return fault.New(fault.Usage, "", "reading certificates: %s has none in PEM", file)
	}
	return nil
}

// ofRegistry reads a registry's folder: *.crt are authorities, NAME.cert with NAME.key is ours.
func ofRegistry(config *tls.Config, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil //nolint:nilerr // most registries have no folder
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		switch filepath.Ext(file) {
		case ".crt":
			if err := trust(config.RootCAs, file); err != nil {
				return err
			}
		case ".cert":
			pair, err := tls.LoadX509KeyPair(file, strings.TrimSuffix(file, ".cert")+".key")
			if err != nil {
				return fault.Wrap(fault.Usage, "", fmt.Errorf("reading the client certificate %s: %w", file, err))
			}
			config.Certificates = append(config.Certificates, pair)
		}
	}
	return nil
}
