// Pairs sets every option of HashiCorp's builder, and every two of them, and lists what HashiCorp's builder takes and
// this one refuses. `make pairs` runs it, on a sandbox: HashiCorp's builder signs in to validate a template.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	theirs "github.com/hashicorp/packer-plugin-openstack/builder/openstack"

	ours "github.com/imgctl/packer-plugin-openstack/builder/openstack"
)

type option struct {
	name  string
	value any
}

func main() {
	log.SetOutput(io.Discard) // the communicator's
	dir, err := os.MkdirTemp("", "pairs")
	if err == nil {
		err = writeFiles(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pairs:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	all := options(dir)
	tried, bad := 0, 0
	try := func(set ...option) {
		tried++
		if why := differs(set); why != "" {
			bad++
			fmt.Printf("%v: only this builder refuses it: %s\n", set, why)
		}
	}
	try()
	for n, a := range all {
		try(a)
		for _, b := range all[n+1:] {
			if a.name != b.name {
				try(a, b)
			}
		}
	}
	fmt.Printf("%d templates, %d that only this builder refuses\n", tried, bad)
	if bad > 0 {
		os.Exit(1)
	}
}

// differs is why this builder refuses what HashiCorp's takes; "" where it doesn't, or for a known reason.
func differs(set []option) string {
	template := table{
		"cloud": "demo", "image_name": "i", "flavor": "m1.tiny", "source_image_name": "base", "communicator": "ssh", "ssh_username": "u",
	}
	for _, o := range set {
		filter, is := o.value.(table)
		if o.name == "source_image" || o.name == "external_source_image_url" || is && filter["filters"] != nil {
			delete(template, "source_image_name")
		}
	}
	for _, o := range set {
		template[o.name] = o.value
	}
	_, _, err := new(ours.Builder).Prepare(maps.Clone(template))
	if err == nil {
		return ""
	}
	if _, _, their := new(theirs.Builder).Prepare(maps.Clone(template)); their != nil {
		return ""
	}
	var unknown []string
	for line := range strings.Lines(err.Error()) {
		at, why, is := strings.Cut(strings.Trim(line, "* \n"), ": ")
		if is && refused[at] == "" {
			unknown = append(unknown, at+": "+why)
		}
	}
	return strings.Join(unknown, "; ")
}

// options are all of them, by name.
func options(dir string) (all []option) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, v := range values[name] {
			if text, is := v.(string); is && strings.HasPrefix(text, "FILE:") {
				v = filepath.Join(dir, strings.TrimPrefix(text, "FILE:"))
			}
			all = append(all, option{name, v})
		}
	}
	return all
}

// writeFiles makes a certificate, its key and some data.
func writeFiles(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"cert": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		"key":  pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
		"data": []byte("data"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
