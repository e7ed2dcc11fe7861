package watch

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

const (
	webImage   = "sl7x-x86_64 web"
	batchImage = "sl7x-x86_64 batch"
)

// What packuilon doesn't notice is noticed, and what doesn't matter isn't.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1,\n2,\n3,\n3"))
	s.put("other.json", host("other", ""))
	o := s.options(t)
	o.Ignore = []string{"/time", "/deep/*/time"}
	want(t, "first run", sends(t, o))
	for _, c := range []struct {
		what, text string
		images     []string
	}{
		{"a deleted line", host("web", "1,\n2,\n3"), []string{webImage}},
		{"moved lines", host("web", "2,\n1,\n3"), []string{webImage}},
		{"a repeated line", host("web", "2,\n1,\n1,\n3"), []string{webImage}},
		{"an older state", host("web", "1,\n2,\n3"), []string{webImage}},
		{"white space", host("web", "1, 2,  3"), nil},
		{"another mtime", host("web", "1, 2,  3"), nil},
		{"another order of keys", `{"more": [1,2,3], "system": {"os": {"version": {"name": "7x"}, "distribution": {"name": "sl"},
			"architecture": "x86_64"}, "personality": {"name": "web"}}}`, nil},
		{"ignored values", strings.Replace(host("web", "1,2,3"), "{", `{"time": 5, "deep": {"x": {"time": 6}}, `, 1), []string{webImage}},
		{"other ignored values", strings.Replace(host("web", "1,2,3"), "{", `{"time": 7, "deep": {"x": {"time": 8}}, `, 1), nil},
		{
			"a value that is like one", strings.Replace(host("web", "1,2,3"), "{", `{"time": 7, "deep": {"x": {"time": 8}, "time": 9}, `, 1),
			[]string{webImage},
		},
		{"another image", host("mail", "1"), []string{"sl7x-x86_64 mail"}},
	} {
		s.put("web"+suffix, c.text)
		want(t, c.what, sends(t, o), c.images...)
		want(t, "nothing after "+c.what, sends(t, o))
	}
	s.put("batch"+suffix, host("batch", ""))
	want(t, "a new profile", sends(t, o), batchImage)
}

// A mistake in PROFILE_MATCH doesn't use the first run up.
func TestAMatchOfNothingIsNoFirstRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	o.BuildAll, o.Match = true, "no such suffix"
	p, err := Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	notes := p.Notes()
	p.Close()
	if len(notes) != 1 || !strings.Contains(fmt.Sprint(notes[0]), "none of the 1 profiles") {
		t.Errorf("notes %v", notes)
	}
	want(t, "without a match", sends(t, o))
	o.Match = suffix
	want(t, "first run", sends(t, o), webImage)
}

// Messages have what the worker needs, and each is newer than the one before.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.options(t)
	o.BuildAll = true
	last := int64(0)
	seen := map[string]bool{}
	for n := range 3 {
		text := host("web", fmt.Sprint(n))
		s.put("web"+suffix, text)
		if _, err := once(t, o); err != nil {
			t.Fatal(err)
		}
		got := drain(t, o.Sink)
		if len(got) != 1 || got[0].Subject != webImage || string(got[0].Body) != text || got[0].Sequence <= last || got[0].At.IsZero() ||
			seen[got[0].ID] {
			t.Fatalf("after %d: %+v", last, got)
		}
		last = got[0].Sequence
		seen[got[0].ID] = true
	}
}

func TestFirstRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	s.put("batch"+suffix, host("batch", "1"))
	o := s.options(t)
	p, err := Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := p.Notes(); len(n) != 1 || !strings.Contains(n[0].String(), "2 profiles count as built") || !p.Done() || len(p.Rows()) != 0 {
		t.Errorf("seed: %v, rows %v", n, p.Rows())
	}
	p.Close()
	want(t, "seed", sends(t, o))
	want(t, "after seed", sends(t, o))
	s.put("web"+suffix, host("web", "2"))
	want(t, "a change after seed", sends(t, o), webImage)
	all := s.options(t)
	all.BuildAll = true
	want(t, "build-all", sends(t, all), batchImage, webImage)
	want(t, "after build-all", sends(t, all))
}

// A profile that can't be read on a first run is neither built nor forgotten.
func TestFirstRunWithAFailure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	s.put("batch"+suffix, host("batch", "1"))
	s.put("late"+suffix, `{`)
	o := s.options(t)
	s.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "profiles-info") {
			return false
		}
		if strings.Contains(r.URL.Path, "late") {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	if _, err := once(t, o); err == nil {
		t.Error("nothing can be read, and that is no error")
	}
	s.answers(nil)
	s.put("batch"+suffix, host("batch", "2"))
	if _, err := once(t, o); !fault.Is(err, fault.Partial) {
		t.Errorf("one is no JSON: %v", err)
	}
	want(t, "one has changed since", subjects(drain(t, o.Sink)), batchImage)
	s.put("late"+suffix, host("late", ""))
	want(t, "one has become a profile", sends(t, o), "sl7x-x86_64 late")
	s.put("web"+suffix, host("web", "2"))
	want(t, "a change", sends(t, o), webImage)
}

func TestUnchangedIsOneRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for n := range 5000 {
		s.put(fmt.Sprintf("p%d%s", n, suffix), host(fmt.Sprintf("p%d", n), ""))
	}
	o := s.options(t)
	want(t, "first run", sends(t, o))
	s.asked()
	before, err := os.Stat(filepath.Join(o.Cache, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "unchanged", sends(t, o))
	want(t, "requests", s.asked(), "/profiles/profiles-info.xml")
	if after, err := os.Stat(filepath.Join(o.Cache, stateFile)); err != nil || !os.SameFile(before, after) {
		t.Errorf("the state was written again (%v)", err)
	}
	s.put("p7"+suffix, host("p7", "1"))
	want(t, "one changed", sends(t, o), "sl7x-x86_64 p7")
	want(t, "requests", s.asked(), "/profiles/profiles-info.xml", "/profiles/p7"+suffix)
}

// An index that says nothing about changes makes each profile be asked for.
func TestIndexWithoutMarks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	s.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "profiles-info") {
			return false
		}
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
		_, _ = w.Write([]byte("<profiles><profile>web" + suffix + "</profile></profiles>"))
		return true
	})
	want(t, "first run", sends(t, o))
	want(t, "unchanged", sends(t, o))
	s.put("web"+suffix, host("web", "2"))
	want(t, "changed", sends(t, o), webImage)
}

func TestRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	s.put("batch"+suffix, host("batch", "1"))
	o := s.options(t)
	want(t, "first run", sends(t, o))
	s.remove("web" + suffix)
	rows, err := once(t, o)
	if err != nil || len(rows) != 1 || rows[0][1].Value != isRemoved || rows[0][2].Value != webImage {
		t.Errorf("removed: %v %v", rows, err)
	}
	if rows, err := once(t, o); err != nil || len(rows) != 0 {
		t.Errorf("removed for good: %v %v", rows, err)
	}
	s.put("web"+suffix, host("web", "1"))
	want(t, "back as it was", sends(t, o))
	s.remove("web" + suffix)
	s.put("new"+suffix, host("web", "1"))
	want(t, "another profile takes the image over", sends(t, o), webImage)
}

// Two profiles of one image would take turns for ever.
func TestSameImageTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	want(t, "first run", sends(t, o))
	s.put("again"+suffix, host("web", "2"))
	rows, err := once(t, o)
	if !fault.Is(err, fault.Partial) || len(rows) != 1 || rows[0][0].Value != "again"+suffix || rows[0][1].Value != isFailed {
		t.Errorf("the second one: %v %v", rows, err)
	}
	want(t, "sent", subjects(drain(t, o.Sink)))
	s.put("web"+suffix, host("mail", "1"))
	want(t, "the first one builds another image", sends(t, o), "sl7x-x86_64 mail", webImage)
}

// Many runs at once send each change once.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	want(t, "first run", sends(t, o))
	s.put("web"+suffix, host("web", "2"))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			p, err := Make(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Close()
			if err := p.Apply(t.Context(), report.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	want(t, "sent", subjects(drain(t, o.Sink)), webImage)
}

// A run that only looks neither waits nor leaves anything behind.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	o.Cache = filepath.Join(o.Cache, "none")
	o.BuildAll, o.ReadOnly = true, true
	p, err := Make(t.Context(), o)
	if err != nil || len(p.Rows()) != 1 || p.Rows()[0][3].Value != "would send" {
		t.Fatalf("%v %v", p, err)
	}
	p.Close()
	if _, err := os.Stat(o.Cache); err == nil {
		t.Error("it made the cache folder")
	}
	if err := p.Apply(t.Context(), report.Discard); err == nil {
		t.Error("it can be applied")
	}
}

// A request by hand, from a host whose clock is ahead, doesn't hide later changes of the profile.
func TestAChangeIsNewerThanWhatWasAskedForByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	o.BuildAll = true
	ahead := queue.Message{ID: "ahead", Subject: webImage, Sequence: time.Now().Add(time.Hour).UnixMicro(), At: time.Now()}
	if err := o.Sink.send(t.Context(), []queue.Message{ahead}); err != nil {
		t.Fatal(err)
	}
	want(t, "profile", sends(t, o), webImage, webImage)
	s.put("web"+suffix, host("web", "2"))
	if _, err := once(t, o); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, o.Sink); len(got) != 1 || got[0].Sequence != ahead.Sequence+2 {
		t.Errorf("%+v, want sequence %d", got, ahead.Sequence+2)
	}
}
