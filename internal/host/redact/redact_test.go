package redact

import (
	"bytes"
	"strings"
	"testing"
)

const token = "gAAAAABnX-longer-than-any-name-0123456789"

func TestSecretsAreCrossedOutOfMessages(t *testing.T) {
	t.Parallel()
	var r Redactor
	if got := r.String("nothing known"); got != "nothing known" {
		t.Error(got)
	}
	r.Add(`p"ss wörd/&`, token, token+"-longer", "demo", "", "admin.1")
	for _, c := range []struct{ name, text, want string }{
		{"as it is", `the p"ss wörd/& is`, "the [redacted] is"},
		{"in a query", "?password=p%22ss+w%C3%B6rd%2F%26&x=1", "?password=[redacted]&x=1"},
		{"in JSON", `{"password": "p\"ss wörd/\u0026"}`, `{"password": "[redacted]"}`},
		{"one within another", token + "-longer " + token, "[redacted] [redacted]"},
		{"a word as a word", "image demo-base of project demo", "image demo-base of project demo"},
		{"a word as a password", "OS_PASSWORD=demo", "OS_PASSWORD=[redacted]"},
		{"in an object", `{"password": "demo", "name": "demo"}`, `{"password": "[redacted]", "name": "demo"}`},
		{"in a URL", "https://demo:demo@keystone.demo/v3", "https://demo:[redacted]@keystone.demo/v3"},
		{"a word with a dot", "password admin.1, password: admin.1", "password admin.1, password: [redacted]"},
		{"a word that begins alike", "password=demolition", "password=demolition"},
	} {
		if got := r.String(c.text); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if strings.Contains(r.String(strings.Repeat(token, 1000)), token) {
		t.Error("some of many are left")
	}
}

// Results are what the cloud says: only what no name contains is crossed out of them.
func TestSecretsInResults(t *testing.T) {
	t.Parallel()
	var r Redactor
	r.Add("demo", "test", "admin", "Ubuntu2204", "openstack", token, "Correct horse 9")
	for text, want := range map[string]string{
		"demo-base":          "demo-base",
		"test":               "test",
		"admin":              "admin",
		"Ubuntu2204-minimal": "Ubuntu2204-minimal",
		"openstack":          "openstack",
		"x" + token + "y":    "x[redacted]y",
		"a Correct horse 9":  "a [redacted]",
	} {
		if got := r.Result(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// However a stream is cut into pieces, nothing but the secret is missing.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("before "+token+" after"), uint8(7))
	f.Add([]byte(token[:10]), uint8(1))
	f.Add([]byte(token+token+"-x"), uint8(3))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var r Redactor
		r.Add(token, token+"-longer", "demo")
		var got bytes.Buffer
		w := r.Writer(&got)
		for piece := text; len(piece) > 0; {
			n := min(int(size)+1, len(piece))
			if _, err := w.Write(piece[:n]); err != nil {
				t.Fatal(err)
			}
			piece = piece[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.String(), token) {
			t.Errorf("%q in pieces of %d: %q", text, size+1, got.String())
		}
		if !bytes.Contains(text, []byte(token)) && !bytes.Equal(text, got.Bytes()) {
			t.Errorf("%q in pieces of %d: %q", text, size+1, got.String())
		}
	})
}
