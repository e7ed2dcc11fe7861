package watch

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// An index that means harm is refused as a whole, and leaves the state as it was.
func TestHostileIndex(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other server was asked") }))
	defer elsewhere.Close()
	text := func(s string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { _, _ = w.Write([]byte(s)) }
	}
	lol := `<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`
	for what, c := range map[string]struct {
		answer func(http.ResponseWriter)
		err    string
	}{
		"endless": {func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("<profiles>"))
			block := bytes.Repeat([]byte("<profile>x</profile>\n"), 4096)
			for {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "too large"},
		"unpacks to a lot": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write([]byte("<profiles>"))
			_, _ = z.Write(bytes.Repeat([]byte(" "), maxIndex))
			_ = z.Close()
		}, "too large"},
		"one endless name":  {text("<a><b>" + strings.Repeat("x", 1<<20)), "unexpected EOF"},
		"entities":          {text(lol + "<a><b>&b;</b></a>"), "entity"},
		"an outside entity": {text(`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>`), "entity"},
		"deep":              {text(strings.Repeat("<a>", 100_000)), "deeper than 20 levels"},
		"many":              {text("<a>" + numbered(maxProfiles+1) + "</a>"), "more than 200000 profiles"},
		"cut":               {text("<profiles><profile>web" + suffix + "</profile>"), "unexpected EOF"},
		"crossed":           {text("<a><b></a></b>"), "</a>"},
		"empty":             {text(""), "no element"},
		"a page":            {text("<html><body><p>web" + suffix + "</p></body></html>"), "page for browsers"},
		"JSON":              {text(`{"profiles": []}`), "no element"},
		"an odd encoding":   {text(`<?xml version="1.0" encoding="nothing"?><a/>`), "unsupported charset"},
		"a redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL+"/profiles-info.xml")
			w.WriteHeader(http.StatusFound)
		}, "another server"},
		"a redirect to a file": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		}, "http or https"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.put("web"+suffix, host("web", "1"))
			o := s.options(t)
			want(t, "first run", sends(t, o))
			before := read(t, o)
			s.put("web"+suffix, host("web", "2"))
			s.answers(func(w http.ResponseWriter, _ *http.Request) bool { c.answer(w); return true })
			if _, err := once(t, o); err == nil || !strings.Contains(err.Error(), c.err) || len(err.Error()) > 1000 {
				t.Errorf("%.500v, expected %q", err, c.err)
			}
			if read(t, o) != before {
				t.Error("the state has changed")
			}
			s.answers(nil)
			want(t, "afterwards", sends(t, o), webImage)
		})
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<p>%d</p>", i)
	}
	return b.String()
}

// A profile that means harm is left out; the others are sent.
func TestHostileProfiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options(t)
	o.Match = "json"
	want(t, "first run", sends(t, o))
	outside := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(outside, []byte(host("secret", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	s.put("web.json", host("web", "1"))
	bad := map[string]string{
		"../../secret.json": host("a", ""), outside: host("b", ""), "a/b.json": host("c", ""), `a\b.json`: host("d", ""),
		".json": host("e", ""), "x&#127;.json": host("f", ""), "&#x202e;x.json": host("g", ""), strings.Repeat("x", 300) + ".json": host("h", ""),
		"none.json": `null`, "cut.json": `{`, "list.json": `[]`, "twice.json": `{"system": {}, "system": {}}`, "void.json": `{}`,
		"deep.json": strings.Repeat("[", 100_000), "text.json": "Log in first", "bytes.json": "{\"a\": \"\xff\"}",
		"long.json": host(strings.Repeat("x", maxProfile), ""), "number.json": `{"system": {"personality": {"name": 5}}}`,
		"escape.json": host(`web\u001b[2J`, ""), "endless.json": host(strings.Repeat("n", 3000), ""),
	}
	for name, text := range bad {
		s.put(name, text)
	}
	rows, err := once(t, o)
	if !fault.Is(err, fault.Partial) || len(rows) != len(bad)+1 {
		t.Errorf("%d rows and %v, expected %d rows", len(rows), err, len(bad)+1)
	}
	want(t, "sent", subjects(drain(t, o.Sink)), webImage)
	for _, path := range s.asked() {
		if strings.Contains(path, "secret") || strings.Contains(path, "a/b") {
			t.Errorf("asked for %s", path)
		}
	}
	for name := range bad {
		s.remove(name)
	}
	s.put("list.json", host("list", ""))
	want(t, "one is repaired", sends(t, o), "sl7x-x86_64 list")
}

// A name of the index is one segment of the address, whatever is in it.
func TestOddNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options(t)
	o.Match, o.BuildAll = "", true
	s.put("a b?c=d#e%2f.json", host("odd", ""))
	want(t, "sent", sends(t, o), "sl7x-x86_64 odd")
}

func TestFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options(t)
	o.Index, o.Profiles, o.BuildAll = "", t.TempDir(), true
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(o.Profiles, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("web"+suffix, host("web", "1"))
	put("other.json", "{}")
	put("."+suffix, "{}")
	if err := os.Mkdir(filepath.Join(o.Profiles, "dir"+suffix), 0o700); err != nil {
		t.Fatal(err)
	}
	want(t, "first run", sends(t, o), webImage)
	want(t, "unchanged", sends(t, o))
	put("web"+suffix, host("web", "2"))
	want(t, "changed", sends(t, o), webImage)
	// With an index beside them, only what it lists counts.
	o.Index = filepath.Join(o.Profiles, "profiles-info.xml")
	put("profiles-info.xml", "<p><profile mtime='1'>web"+suffix+"</profile><profile>none"+suffix+"</profile></p>")
	rows, err := once(t, o)
	if !fault.Is(err, fault.Partial) || len(rows) != 1 || rows[0][0].Value != "none"+suffix {
		t.Errorf("%v %v", rows, err)
	}
	if err := os.Remove(filepath.Join(o.Profiles, "profiles-info.xml")); err != nil {
		t.Fatal(err)
	}
	if _, err := once(t, o); !fault.Is(err, fault.NotFound) {
		t.Errorf("no index: %v", err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(*Options){
		"no profiles":       func(o *Options) { o.Profiles = "" },
		"no index":          func(o *Options) { o.Index = "" },
		"no cache":          func(o *Options) { o.Cache = "" },
		"another scheme":    func(o *Options) { o.Index = "ftp://h/x" },
		"a path like no":    func(o *Options) { o.Ignore = []string{"metadata"} },
		"an empty path":     func(o *Options) { o.Ignore = []string{"/"} },
		"an unfinished one": func(o *Options) { o.Ignore = []string{"/a/"} },
	} {
		o := newSite(t).options(t)
		spoil(&o)
		if _, err := Make(t.Context(), o); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A password in an address isn't shown.
func TestPasswords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, "{")
	o := s.options(t)
	with := strings.Replace(s.URL, "http://", "http://user:hush@", 1)
	o.Index, o.Profiles = with+"/profiles/profiles-info.xml", with+"/profiles"
	rows, err := once(t, o)
	if err == nil || strings.Contains(err.Error(), "hush") || len(rows) != 1 || strings.Contains(rows[0][4].Value.(string), "hush") {
		t.Errorf("%v %v", rows, err)
	}
	s.Close()
	if _, err = once(t, o); err == nil || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
}

// What packuilon has left is taken over: what has changed since its last run is sent, and nothing else.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options(t)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(o.Cache, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"same", "touched", "changed", "never-cached"} {
		s.put(name+suffix, host(name, "1"))
	}
	put("cached_info.xml", s.index())
	put("touched"+suffix, host("touched", "1"))
	put("changed"+suffix, host("changed", "1"))
	for name, text := range map[string]string{"touched": "1", "changed": "2", "never-cached": "2", "new": "1"} {
		s.put(name+suffix, host(name, text))
	}
	want(t, "taken over", sends(t, o), "sl7x-x86_64 changed", "sl7x-x86_64 never-cached", "sl7x-x86_64 new")
	want(t, "afterwards", sends(t, o))
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("<?xml version='1.0' encoding='utf-8'?>\n<profiles>\n<profile mtime='1'>web.json</profile>\n</profiles>"))
	f.Add([]byte("<a><b>x</b><b c='d'>x</b></a>"))
	f.Add([]byte("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseIndex("index", text)
		seen := map[string]bool{}
		for _, l := range found {
			if err != nil || l.name == "" || seen[l.name] {
				t.Errorf("%q with %v", l.name, err)
			}
			seen[l.name] = true
			_ = checkName(l.name)
		}
	})
}
