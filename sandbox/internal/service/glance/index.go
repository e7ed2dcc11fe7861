package glance

import (
	"cmp"
	"slices"
)

// store holds the images by id and in the order of listings. Its user locks.
type store struct {
	byID  map[string]*Image
	taken map[string]bool // every id there ever was
	order []*Image        // by creation time and id, ascending
}

func byCreation(a, b *Image) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// add takes an image in; false if its id is taken.
func (s *store) add(i *Image) bool {
	if s.taken[i.ID] {
		return false
	}
	s.taken[i.ID] = true
	s.byID[i.ID] = i
	at, _ := slices.BinarySearchFunc(s.order, i, byCreation)
	s.order = slices.Insert(s.order, at, i)
	return true
}

// addAll takes many images in with one sort; ids that are taken are left out.
func (s *store) addAll(images []*Image) {
	for _, i := range images {
		if s.taken[i.ID] {
			continue
		}
		s.taken[i.ID] = true
		s.byID[i.ID] = i
		s.order = append(s.order, i)
	}
	slices.SortFunc(s.order, byCreation)
}

func (s *store) remove(i *Image) {
	delete(s.byID, i.ID)
	if at, ok := slices.BinarySearchFunc(s.order, i, byCreation); ok {
		s.order = slices.Delete(s.order, at, at+1)
	}
}

// from walks the images that come after marker (nil = from the start) by creation, newest first
// where descending, until visit returns false.
func (s *store) from(marker *Image, descending bool, visit func(*Image) bool) {
	if descending {
		end := len(s.order)
		if marker != nil {
			end, _ = slices.BinarySearchFunc(s.order, marker, byCreation)
		}
		for k := end - 1; k >= 0; k-- {
			if !visit(s.order[k]) {
				return
			}
		}
		return
	}
	start := 0
	if marker != nil {
		at, found := slices.BinarySearchFunc(s.order, marker, byCreation)
		if start = at; found {
			start++
		}
	}
	for _, i := range s.order[start:] {
		if !visit(i) {
			return
		}
	}
}
