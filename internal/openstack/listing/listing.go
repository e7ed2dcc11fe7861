// Package listing reads the lists of OpenStack's services page by page. Only one page is in memory at
// a time, and only what its reader asks for.
package listing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"
)

// List is a list of a service.
type List struct {
	Path    string            // below the service's address, such as "servers/detail"
	Queries []url.Values      // several are read one after the other; none is one without a query
	Key     string            // of the items in the answer, such as "servers"
	Links   string            // the key of links to the next page, if it is neither KEY_links nor another usual one
	Headers map[string]string // such as the microversion's
	Lossy   bool              // links to the next page lack parameters of the first, such as its filters

	// Restart is called before the first page, and again before the list is read from its start because
	// it changed in between: what was taken before does not count. It may be nil.
	Restart func()
}

func (l *List) queries() []url.Values {
	if len(l.Queries) == 0 {
		return []url.Values{{}}
	}
	return l.Queries
}

// restarts is how often a list is read again that changed while it was read.
const restarts = 3

// errChanged says that the service doesn't know the item any more after which the next page begins.
var errChanged = errors.New("the list changed while it was read")

// Each hands the items of each page to take, in the service's order. Items are decoded as JSON. The error
// has its kind; a list that take refuses ends with its error.
func Each[T any](ctx context.Context, sc *gophercloud.ServiceClient, l List, take func([]T) error) error {
	for try := 1; ; try++ {
		if l.Restart != nil {
			l.Restart()
		}
		err := once(ctx, sc, l, take)
		if !errors.Is(err, errChanged) || try == restarts {
			return err
		}
	}
}

func once[T any](ctx context.Context, sc *gophercloud.ServiceClient, l List, take func([]T) error) error {
	for _, q := range l.queries() {
		if err := pages(ctx, sc, l, q.Encode(), take); err != nil {
			return err
		}
	}
	return nil
}

// pages reads one list from its first page to its last.
func pages[T any](ctx context.Context, sc *gophercloud.ServiceClient, l List, query string, take func([]T) error) error {
	seen, first := map[string]bool{}, query
	for query != "" || len(seen) == 0 {
		if seen[query] {
			return fmt.Errorf("the list of %s goes in a circle", l.Key)
		}
		begins := len(seen) == 0
		seen[query] = true
		items, next, err := page[T](ctx, sc, l, query)
		if !begins && (gophercloud.ResponseCodeIs(err, http.StatusBadRequest) || gophercloud.ResponseCodeIs(err, http.StatusNotFound)) {
			return fmt.Errorf("%w: %w", errChanged, err)
		}
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return nil // some services link to a page behind the last one
		}
		if err := take(items); err != nil {
			return err
		}
		if query = next; l.Lossy && next != "" {
			query, err = complete(next, first)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// complete adds to a link's query what that of the first page has besides.
func complete(next, first string) (string, error) {
	is, err := url.ParseQuery(next)
	if err != nil {
		return "", fmt.Errorf("the link to the next page: %w", err)
	}
	was, err := url.ParseQuery(first)
	if err != nil {
		return "", err
	}
	for key, values := range was {
		if !is.Has(key) {
			is[key] = values
		}
	}
	return is.Encode(), nil
}
