package listing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

type item struct{ ID string }

// service answers each query with what pages has; others with 404.
func service(t *testing.T, pages map[string]string) *gophercloud.ServiceClient {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := pages[r.URL.RawQuery]
		if !ok || r.URL.Path != "/v1/items" {
			http.Error(w, `{"error": {"message": "marker not found"}}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, strings.ReplaceAll(body, "@", "http://elsewhere.example"))
	}))
	t.Cleanup(server.Close)
	return &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: server.URL + "/v1/", Type: "compute"}
}

func read(t *testing.T, sc *gophercloud.ServiceClient, l listing.List) (ids []string, restarts int, err error) {
	t.Helper()
	l.Path, l.Key = "items", "items"
	l.Restart = func() { restarts++; ids = nil }
	err = listing.Each(t.Context(), sc, l, func(page []item) error {
		for _, i := range page {
			ids = append(ids, i.ID)
		}
		return nil
	})
	return ids, restarts, err
}

// Links to the next page come in four forms. Of their address only the query counts.
func TestPages(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]string{
		"next":        `"next": "@/v9/items?marker=b"`,
		"path":        `"next": "/items?marker=b"`,
		"items_links": `"items_links": [{"rel": "self", "href": "x"}, {"rel": "next", "href": "@/items?marker=b"}]`,
		"links":       `"links": [{"rel": "next", "href": "@?marker=b"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := service(t, map[string]string{
				"all=1": `{"items": [{"id": "a"}, {"id": "b"}], ` + next + `}`, "marker=b": `{"items": [{"id": "c"}], "links": {"self": "x"}}`,
			})
			ids, restarts, err := read(t, sc, listing.List{Queries: []url.Values{{"all": {"1"}}}})
			if err != nil || restarts != 1 || !slices.Equal(ids, []string{"a", "b", "c"}) {
				t.Errorf("%v after %d restarts, %v", ids, restarts, err)
			}
		})
	}
}

func TestSeveralLists(t *testing.T) {
	t.Parallel()
	sc := service(t, map[string]string{
		"n=1": `{"items": [{"id": "a"}], "next": "?n=2"}`, "n=2": `{"items": []}`, "n=3": `{"items": [{"id": "b"}]}`,
	})
	ids, _, err := read(t, sc, listing.List{Queries: []url.Values{{"n": {"1"}}, {"n": {"3"}}}})
	if err != nil || !slices.Equal(ids, []string{"a", "b"}) {
		t.Errorf("%v, %v", ids, err)
	}
}

// Answers that are none never look like an empty list.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pages map[string]string
		kind  fault.Kind
	}{
		"nothing":           {map[string]string{}, fault.NotFound},
		"another key":       {map[string]string{"": `{"servers": []}`}, fault.Internal},
		"no object":         {map[string]string{"": `[]`}, fault.Internal},
		"null":              {map[string]string{"": `{"items": null}`}, fault.Internal},
		"no list":           {map[string]string{"": `{"items": {"id": "a"}}`}, fault.Internal},
		"another type":      {map[string]string{"": `{"items": [{"id": 7}]}`}, fault.Internal},
		"a circle":          {map[string]string{"": `{"items": [{}], "next": "?a"}`, "a": `{"items": [{}], "next": "?a"}`}, fault.Internal},
		"a link to nowhere": {map[string]string{"": `{"items": [{}], "next": "porridge"}`}, fault.Internal},
		"no next page":      {map[string]string{"": `{"items": [{}], "next": "?a"}`}, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := read(t, service(t, tt.pages), listing.List{}); !fault.Is(err, tt.kind) {
				t.Errorf("%v, want %s", err, tt.kind)
			}
		})
	}
}

// The object after which the next page begins may be deleted in between: the list begins again.
func TestRestart(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch {
		case r.URL.RawQuery == "":
			_ = json.NewEncoder(w).Encode(map[string]any{"items": []item{{"a"}}, "next": "?marker=a"})
		case asked < 4:
			w.WriteHeader(http.StatusBadRequest)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"items": []item{{"b"}}})
		}
	}))
	t.Cleanup(server.Close)
	sc := &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: server.URL + "/"}
	ids, restarts, err := read(t, sc, listing.List{})
	if err != nil || restarts != 2 || !slices.Equal(ids, []string{"a", "b"}) {
		t.Errorf("%v after %d restarts, %v", ids, restarts, err)
	}
}

func TestTakeRefuses(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	sc := service(t, map[string]string{"": `{"items": [{"id": "a"}]}`})
	err := listing.Each(t.Context(), sc, listing.List{Path: "items", Key: "items"}, func([]item) error { return no })
	if !errors.Is(err, no) {
		t.Error(err)
	}
}
