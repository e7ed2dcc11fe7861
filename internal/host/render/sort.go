package render

import (
	"cmp"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// sorted holds back the rows until all have arrived. The order is cliff's: by the first column, then the next;
// equal rows keep their order; rows without a value come last, or first when descending.
type sorted struct {
	List
	by         []int
	descending bool
	rows       [][]any
	held       Held
}

func (s *sorted) Row(values []any) error {
	if !s.held.Add(values...) {
		s.rows = nil
		return s.held.tooMany("leave out --sort-column, and sort what json, yaml, csv or value write", "a list to be sorted")
	}
	s.rows = append(s.rows, values)
	return nil
}

func (s *sorted) Close() error {
	if s.held.full {
		return nil
	}
	slices.SortStableFunc(s.rows, func(a, b []any) int {
		for _, i := range s.by {
			if c := compare(at(a, i), at(b, i)); c != 0 {
				if s.descending {
					return -c
				}
				return c
			}
		}
		return 0
	})
	for _, row := range s.rows {
		if err := s.List.Row(row); err != nil {
			return err
		}
	}
	return s.List.Close()
}

func at(row []any, i int) any {
	if i < len(row) {
		return row[i]
	}
	return nil
}

// sortColumns are the places of the columns to sort by. A name that no column has is fault.Usage: rows
// in another order than asked for would look like the right one.
func sortColumns(columns []Column, names []string) ([]int, error) {
	var by []int
	for _, name := range names {
		i := slices.IndexFunc(columns, func(c Column) bool { return c.is(name) })
		if i < 0 {
			return nil, fault.New(fault.Usage, "choose from "+quoted(columns), "there is no column %q to sort by", name)
		}
		by = append(by, i)
	}
	return by, nil
}

// compare orders values of one kind by their own order, and kinds among themselves: numbers,
// strings, all else by its text, nothing.
func compare(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	x, xok := number(a)
	y, yok := number(b)
	if xok && yok {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(text(a), text(b))
}

func rank(v any) int {
	switch v.(type) {
	case bool, int64, float64:
		return 0
	case string:
		return 1
	case nil:
		return 3
	}
	return 2
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
