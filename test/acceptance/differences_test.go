package acceptance_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// difference is where the sandbox answers otherwise than the real OpenStack.
type difference struct {
	where         *regexp.Regexp // of what record.Compare says
	service, what string         // for docs/sandbox.md
	why           string
}

func stays(where, service, what, why string) difference {
	return difference{regexp.MustCompile(where), service, what, why}
}

// schemaText is a difference that several services have; docs/sandbox.md has one row for all of them.
func schemaText(where string) difference {
	return stays(where, "Glance, Nova, Keystone", "the text of a 400 for a body that violates the schema",
		"the real text comes from a Python library and quotes the schema; the sandbox gives one line")
}

// differences are all there are. docs/sandbox.md has the same list.
var differences = []difference{
	schemaText(`^image: .*/ body\.message: want "Provided object does not match schema`),
	schemaText(`^compute: .*/ body\.badRequest\.message: want "Invalid input for field/attribute`),
	schemaText(`^identity: tokens / no identity / body\.error\.message`),
	stays(`^identity: without a token / no such path`,
		"Keystone", "the body for an unknown path", "a web framework's page, which only repeats the status"),
	stays(`^image: import / methods / body\.import-methods\.value`,
		"Glance", "the import methods", "configuration: the sandbox doesn't copy between stores"),
	stays(`^compute: .*/ body\.server\.flavor\.ram`,
		"Nova", "the flavors", "every cloud has its own"),
	stays(`^compute: keypairs / show / body\.keypair\.id`,
		"Nova", "a key pair's number", "a row number in a database"),
	stays(`^compute: .*/ the snapshot / body\.(size|virtual_size)|^volumev3: .*/ the (second )?image / body\.(size|virtual_size)|body\.volume\.volume_image_metadata\.size`,
		"Nova, Cinder", "the sizes of images made from servers and volumes", "the sandbox packs a file system, not a disk"),
	stays(`^network: a floating IP's port / .* / body\.floatingips?(\.0)?\.(router_id|status)`,
		"Neutron", "a floating IP's router, and when its state changes", "the sandbox has no routers between its networks and no agents"),
}

// TestDocumentation holds docs/sandbox.md against the list.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| service | the sandbox differs in | why |\n|---|---|---|\n")
	last := ""
	for _, d := range differences {
		row := "| " + d.service + " | " + d.what + " | " + d.why + " |\n"
		if row != last {
			want.WriteString(row)
		}
		last = row
	}
	if !strings.Contains(string(text), "\n"+want.String()+"\n") {
		t.Errorf("docs/sandbox.md has to have this table, and no other rows in it:\n%s", want.String())
	}
}
