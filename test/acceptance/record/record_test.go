package record

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

const recordings = "../recordings"

var recordFrom = flag.String("record", "", "clouds.yaml of a real OpenStack, whose answers are written into the recordings")

// TestRecord asks a real cloud and keeps its answers. `make openstack-record` runs it.
func TestRecord(t *testing.T) {
	if *recordFrom == "" {
		t.Skip("records only with -record CLOUDS.YAML")
	}
	keep(t, Catalogue(), map[string]string{"owner": "ci", "reader": "reader", "member": "target", "stranger": "zuul", "admin": "admin"})
	keep(t, Bare(), map[string]string{"owner": "ci", "member": "target", "admin": "admin"})
	keep(t, Limited(), map[string]string{"owner": "small", "member": "elsewhere", "admin": "elsewhere-admin"})
	keep(t, Paged(), map[string]string{"owner": "elsewhere"})
}

// keep asks these clouds a catalogue and writes their answers down.
func keep(t *testing.T, catalogue map[string][]Scenario, clouds map[string]string) {
	t.Helper()
	cloud, err := Open(t.Context(), *recordFrom, clouds)
	if err != nil {
		t.Fatal(err)
	}
	for file, scenarios := range catalogue {
		t.Run(file, func(t *testing.T) {
			var kept []Recording
			for _, s := range scenarios {
				r, err := cloud.Run(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				kept = append(kept, r)
			}
			var text bytes.Buffer
			e := json.NewEncoder(&text)
			e.SetEscapeHTML(false)
			e.SetIndent("", " ")
			if err := e.Encode(kept); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(recordings, file+".json"), text.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}
