package main

import (
	"slices"
	"strings"
	"testing"
)

func TestNamesThatARegistryListsAreNames(t *testing.T) {
	t.Parallel()
	names, err := imageNames("127.0.0.1:5000", "ns/a", []string{"2", "1", "\x1b[2J", "../../b", "", "1:2"})
	if !slices.Equal(names, []string{"127.0.0.1:5000/ns/a:1", "127.0.0.1:5000/ns/a:2"}) {
		t.Errorf("%q", names)
	}
	if err == nil || !strings.Contains(err.Error(), "4 of its 6 tags can't be tags") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%v", err)
	}
	names, err = imageNames("127.0.0.1:5000", "ns/../a\x1b", []string{"1"})
	if len(names) > 0 || err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%q, %v", names, err)
	}
	if names, err := imageNames("127.0.0.1:5000", "ns/a", nil); len(names) > 0 || err != nil {
		t.Errorf("%q, %v", names, err)
	}
}
