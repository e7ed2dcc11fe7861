package glance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// fill adds n images of the project demo, several in each second, and returns their ids by creation.
func fill(c *sandbox.Cloud, n int) (ids []string) {
	batch := make([]glance.Image, n)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for k := range batch {
		ids = append(ids, fmt.Sprintf("00000000-0000-4000-8000-%012x", k))
		batch[k] = glance.Image{
			ID: ids[k], Name: fmt.Sprintf("i%06d", k), Owner: c.ProjectID("demo"),
			CreatedAt: start.Add(time.Duration(k/3) * time.Second), Properties: map[string]string{"n": strconv.Itoa(k % 10)},
			Size: int64(k * 7919 % n),
		}
	}
	inside.Of(c).Image.Fill(batch)
	return ids
}

func TestPagingToTheEnd(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	oldestFirst := fill(c, 3000)
	newestFirst := slices.Clone(oldestFirst)
	slices.Reverse(newestFirst)
	demo := apitest.Login(t, c, "demo")
	for query, want := range map[string][]string{
		"":           newestFirst,
		"limit=1000": newestFirst,
		"limit=5000": newestFirst, // more than the most
		"limit=700&sort_key=created_at&sort_dir=asc": oldestFirst,
		"limit=999&sort=name:asc":                    oldestFirst,
		"limit=1000&sort=name:desc,created_at:asc":   newestFirst,
		"limit=1000&sort=size:asc,id:asc":            bySize(oldestFirst),
	} {
		if got := listed(demo, query); !slices.Equal(got, want) {
			t.Errorf("%q: %d images, not in the order wanted", query, len(got))
		}
	}
	var got []string
	err := images.List(apitest.ImageClient(t, c, "demo"), images.ListOpts{Limit: 1000}).EachPage(t.Context(),
		func(_ context.Context, page pagination.Page) (bool, error) {
			found, err := images.ExtractImages(page)
			for _, i := range found {
				got = append(got, i.ID)
			}
			return true, err
		})
	if err != nil || !slices.Equal(got, newestFirst) {
		t.Errorf("gophercloud found %d images: %v", len(got), err)
	}
}

// bySize are the ids that fill returned, by the size that it gave them.
func bySize(ids []string) []string {
	out := make([]string, len(ids))
	for k, id := range ids {
		out[k*7919%len(ids)] = id
	}
	return out
}

func TestPages(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	fill(c, 30)
	demo := apitest.Login(t, c, "demo")
	for _, tt := range []struct {
		query  string
		status int
		images int
		next   bool
	}{
		{"", 200, 25, true},
		{"limit=10", 200, 10, true},
		{"limit=10&sort=name:asc", 200, 10, true},
		{"limit=30", 200, 30, true}, // a full page promises another one, as Glance's does
		{"limit=31", 200, 30, false},
		{"limit=0", 200, 0, false},
		{"limit=-1", 400, 0, false},
		{"limit=x", 400, 0, false},
		{"marker=nope", 400, 0, false},
		{"sort_key=nope", 400, 0, false},
		{"sort=name:up", 400, 0, false},
		{"sort=name&sort_key=name", 400, 0, false},
	} {
		a := demo.Do("GET", "/image/v2/images?"+tt.query, nil)
		found, _ := a.JSON["images"].([]any)
		if _, next := a.JSON["next"]; a.Status != tt.status || len(found) != tt.images || next != tt.next {
			t.Errorf("%q: %d, %d images, next %t; want %d, %d, %t", tt.query, a.Status, len(found), next, tt.status, tt.images, tt.next)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	fill(c, 30)
	web := apitest.AddImage(t, c, sandbox.Image{
		Name: "web", Tags: []string{"a", "b"}, Protected: true,
		Properties: map[string]string{"os": "debian"},
	}, strings.Repeat("x", 100))
	demo := apitest.Login(t, c, "demo")
	for query, want := range map[string]int{
		"name=web":                                1,
		"name=we":                                 0,
		"name=WEB":                                1,
		"name=eq:web":                             1,
		"name=in:%22web%22":                       1,
		"name=in:web,i000001,%22i000002%22":       3,
		"id=" + web:                               1,
		"id=in:" + web + ",nope":                  1,
		"status=active":                           31,
		"status=in:queued,saving":                 0,
		"visibility=private":                      0,
		"owner=" + c.ProjectID("demo"):            31,
		"owner=" + c.ProjectID("member-a"):        0,
		"tag=a":                                   1,
		"tag=a&tag=b":                             1,
		"tag=a&tag=c":                             0,
		"protected=true":                          1,
		"protected=false":                         30,
		"size_min=30":                             1,
		"size_max=29":                             30,
		"os=debian":                               1,
		"os=fedora":                               0,
		"n=3":                                     3,
		"created_at=lt:2026-01-01T00:00:01Z":      3,
		"created_at=lte:2026-01-01T00:00:01Z":     6,
		"created_at=2026-01-01T00:00:01Z":         3,
		"created_at=gte:2026-01-01T00:00:09Z":     4,
		"updated_at=gt:2026-01-01T00:00:09Z":      1,
		"disk_format=raw&container_format=bare":   31,
		"name=web&os=debian&tag=b&status=active":  1,
		"visibility=shared&member_status=pending": 31,
	} {
		if got := listed(demo, query); len(got) != want {
			t.Errorf("%s: %d images, want %d", query, len(got), want)
		}
	}
	for _, query := range []string{
		"size_max=x", "created_at=gt:yesterday", "protected=maybe", "os_hidden=maybe", "name=in:%22open",
		"name=web:1", "status=x:active",
	} {
		if a := demo.Do("GET", "/image/v2/images?"+query, nil); a.Status != 400 {
			t.Errorf("%s: %d", query, a.Status)
		}
	}
}

func TestIDsAreTakenForEver(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo, a := apitest.Login(t, c, "demo"), apitest.Login(t, c, "member-a")
	id := "7c0ffee0-0000-4000-8000-000000000001"
	create := map[string]any{"id": id}
	demo.Do("POST", "/image/v2/images", create).Want(t, 201)
	if got := demo.Do("POST", "/image/v2/images", create).Want(t, 409); !strings.Contains(got.Text, id+" already exists!") {
		t.Errorf("second create: %s", got.Text)
	}
	a.Do("POST", "/image/v2/images", create).Want(t, 409)
	demo.Do("DELETE", "/image/v2/images/"+id, nil).Want(t, 204)
	demo.Do("POST", "/image/v2/images", create).Want(t, 409)
	demo.Do("GET", "/image/v2/images/"+id, nil).Want(t, 404)
}

// race sends the same request from many goroutines and returns how often each status came back.
func race(t *testing.T, r *apitest.Client, method, path string, body any) map[int]int {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses := map[int]int{}
	for range 16 {
		all.Go(func() {
			a, err := r.Try(t.Context(), method, path, body)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			statuses[a.Status]++
		})
	}
	all.Wait()
	return statuses
}

func TestClaimsAreAtomic(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := apitest.Login(t, c, "demo")
	image := demo.NewImage(map[string]any{"name": "i"})
	for range 5 {
		id := map[string]any{"id": fmt.Sprintf("7c0ffee0-0000-4000-8000-%012x", time.Now().UnixNano()&0xffffffffffff)}
		if got := race(t, demo, "POST", "/image/v2/images", id); got[http.StatusCreated] != 1 || got[http.StatusConflict] != 15 {
			t.Errorf("racing creates: %v", got)
		}
		member := map[string]any{"member": strconv.FormatInt(time.Now().UnixNano(), 10)}
		if got := race(t, demo, "POST", "/image/v2/images/"+image+"/members", member); got[http.StatusOK] != 1 ||
			got[http.StatusConflict] != 15 {
			t.Errorf("racing members: %v", got)
		}
	}
}

func TestTimesAreWholeSeconds(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := apitest.Login(t, c, "demo")
	i := image(demo, demo.NewImage(map[string]any{}))
	for _, k := range []string{"created_at", "updated_at"} {
		if when, err := time.Parse("2006-01-02T15:04:05Z", i.Str(k)); err != nil || time.Since(when) > time.Minute {
			t.Errorf("%s %q: %v", k, i.Str(k), err)
		}
	}
}

// BenchmarkList reads a project's 100,000 images to the end, in pages of 1000. The client only looks
// for the next page, as the sandbox is what is measured.
func BenchmarkList(b *testing.B) {
	c := sandboxtest.Start(b, sandbox.Options{})
	fill(c, 100_000)
	token := apitest.Provider(b, c, "demo").TokenID
	next := regexp.MustCompile(`"next":"([^"]*)"`)
	for _, query := range []string{"", "&sort=name:asc", "&name=i000001", "&owner=nobody"} {
		b.Run("limit=1000"+query, func(b *testing.B) {
			for b.Loop() {
				pages := 0
				for path := "/v2/images?limit=1000" + query; path != ""; pages++ {
					r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, c.URL()+"/image"+path, nil)
					if err != nil {
						b.Fatal(err)
					}
					r.Header.Set("X-Auth-Token", token)
					resp, err := http.DefaultClient.Do(r)
					if err != nil {
						b.Fatal(err)
					}
					text, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil {
						b.Fatal(err)
					}
					path = ""
					if m := next.FindSubmatch(text); m != nil {
						path = strings.ReplaceAll(string(m[1]), `\u0026`, "&")
					}
				}
				b.ReportMetric(float64(pages), "pages/op")
			}
		})
	}
}
