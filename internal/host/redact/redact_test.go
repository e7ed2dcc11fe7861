package redact

import (
	"strings"
	"testing"
)

func TestSecretsAreCrossedOut(t *testing.T) {
	t.Parallel()
	var r Redactor
	if got := r.String("nothing known"); got != "nothing known" {
		t.Error(got)
	}
	r.Add(`p"ss wörd/&`, "token", "token-longer", "abc", "")
	for _, c := range []struct{ name, text, want string }{
		{"as it is", `the p"ss wörd/& is`, "the [redacted] is"},
		{"in a query", "?password=p%22ss+w%C3%B6rd%2F%26&x=1", "?password=[redacted]&x=1"},
		{"in JSON", `{"password": "p\"ss wörd/\u0026"}`, `{"password": "[redacted]"}`},
		{"one within another", "token-longer token", "[redacted] [redacted]"},
		{"too short to hide", "abc", "abc"},
	} {
		if got := r.String(c.text); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	got := r.Value(map[string]any{"a": []any{"token", 1.5, nil}}).(map[string]any)["a"].([]any)
	if got[0] != Mark || got[1] != 1.5 {
		t.Errorf("%v", got)
	}
	if strings.Contains(r.String(strings.Repeat("token", 1000)), "token") {
		t.Error("some of many are left")
	}
}
