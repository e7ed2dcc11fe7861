package archtest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of folders into CONTRIBUTING.md")

const (
	contributing = "../../CONTRIBUTING.md"
	begin        = "<!-- The table is made from internal/archtest by `make generate`. -->\n"
	end          = "<!-- End of the table. -->\n"
)

func TestContributingShowsTheHouse(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(contributing)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("CONTRIBUTING.md has no place for the table: %q … %q", begin, end)
	}
	want := head + begin + "\n" + table() + "\n" + end + tail
	if *update {
		if err := os.WriteFile(contributing, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Error("CONTRIBUTING.md doesn't show the table of this test: run `make generate`")
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| floor | folder | what it does |\n|---|---|---|\n")
	for _, f := range house {
		name := f.name
		for _, r := range f.rows {
			if r.does == "" {
				continue
			}
			folder := strings.TrimSuffix(strings.TrimSuffix(r.folder, "..."), "/")
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", name, folder, r.does)
			name = ""
		}
	}
	return b.String()
}
