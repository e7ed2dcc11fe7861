// Package render writes a command's rows and fields in the formats that OpenStack's own client
// has: table, json, yaml, csv, value and shell, with the same bytes for the same rows wherever
// that makes sense. What differs, and why: values of lists and maps in csv, value and shell are
// JSON instead of Python's notation, shell output is quoted so that it can be evaluated safely,
// and tables show no control characters.
package render

import (
	"io"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Unit is what a column's numbers count; only tables are written in it, other formats have the number.
type Unit int

// The units.
const (
	Plain Unit = iota
	Bytes
	Seconds
)

// Column is one column of a list.
type Column struct {
	Key    string // how it may also be chosen, such as "size"
	Title  string // how it is headed and chosen, such as "Size"
	Unit   Unit
	Right  bool // in tables; columns whose first value is a number are aligned right anyway
	Hidden bool // shown only when it is chosen
}

// Field is one value of an object that is shown. Values are nil, bool, int64, float64, string,
// []any or map[string]any.
type Field struct {
	Name  string
	Value any
	Unit  Unit
}

// Options are what the user chose. The zero value is a table of all columns.
type Options struct {
	Format      string   // table, json, yaml, csv, value or shell; "" means table
	Columns     []string // titles or keys of the columns to show, in the list's own order; none means all
	SortColumns []string // the first has priority
	Descending  bool
	MaxWidth    int // of a table; 0 means unlimited
	FitWidth    bool
	TermWidth   int // of the terminal; 0 means there is none
	NoIndent    bool
	Quote       string // all, minimal, none or nonnumeric; "" means nonnumeric
	PrintEmpty  bool
	Prefix      string // of shell's variable names

	// Redact takes secrets out of titles, names, keys and values; nil for none.
	Redact func(string) string
}

// ListFormats and ShowFormats are the formats of lists and of single objects.
var (
	ListFormats = []string{"csv", "json", "table", "value", "yaml"}
	ShowFormats = []string{"json", "shell", "table", "value", "yaml"}
	QuoteModes  = []string{"all", "minimal", "none", "nonnumeric"}
)

// List takes the rows of a list. Rows of csv, json and value are written as they come, unless
// they have to be sorted; the others when the list is closed.
type List interface {
	// Row takes one value for each of the list's columns, hidden ones included.
	Row(values []any) error
	// Close writes what is left, and the end.
	Close() error
}

// NewList begins a list. A column chosen that isn't there is left out, as cliff does; it is
// fault.Usage if none of the chosen ones is there.
func NewList(w io.Writer, columns []Column, o Options) (List, error) {
	columns = o.titles(columns)
	shown, err := choose(columns, o.Columns)
	if err != nil {
		return nil, err
	}
	titles := make([]Column, len(shown))
	for i, at := range shown {
		titles[i] = columns[at]
	}
	var list List
	switch o.Format {
	case "", "table":
		list = &tableList{w: w, columns: titles, o: o}
	case "json":
		list = &jsonList{w: w, columns: titles, compact: o.NoIndent}
	case "yaml":
		list = &yamlList{w: w, columns: titles}
	case "csv":
		list = newCSVList(w, titles, o.Quote)
	case "value":
		list = &valueList{w: w}
	default:
		return nil, fault.New(fault.Usage, "choose one of "+strings.Join(ListFormats, ", "), "format %q is not for lists", o.Format)
	}
	list = &picked{List: list, shown: shown, o: o}
	by, err := sortColumns(columns, o.SortColumns)
	if err != nil {
		return nil, err
	}
	if len(by) > 0 {
		list = &sorted{List: list, by: by, descending: o.Descending}
	}
	return list, nil
}

// Show writes the fields of one object.
func Show(w io.Writer, fields []Field, o Options) error {
	fields = o.fields(fields)
	columns := make([]Column, len(fields))
	for i, f := range fields {
		columns[i] = Column{Title: f.Name, Unit: f.Unit}
	}
	shown, err := choose(columns, o.Columns)
	if err != nil {
		return err
	}
	chosen := make([]Field, len(shown))
	for i, at := range shown {
		chosen[i] = fields[at]
	}
	switch o.Format {
	case "", "table":
		return showTable(w, chosen, o)
	case "json":
		return showJSON(w, chosen, o.NoIndent)
	case "yaml":
		return showYAML(w, chosen)
	case "value":
		return showValue(w, chosen)
	case "shell":
		return showShell(w, chosen, o.Prefix)
	}
	return fault.New(fault.Usage, "choose one of "+strings.Join(ShowFormats, ", "), "format %q is not for single objects", o.Format)
}

// choose gives the places of the columns to show.
func choose(columns []Column, names []string) ([]int, error) {
	var shown []int
	for i, c := range columns {
		if len(names) == 0 && !c.Hidden || slices.ContainsFunc(names, c.is) {
			shown = append(shown, i)
		}
	}
	if len(shown) == 0 && len(names) > 0 && len(columns) > 0 {
		return nil, fault.New(fault.Usage, "choose from "+quoted(columns), "no column is called %s", strings.Join(names, " or "))
	}
	return shown, nil
}

// Unknown are the names that match no column.
func Unknown(columns []Column, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(columns, func(c Column) bool { return c.is(name) })
	})
}

// is reports whether the user means the column by the name.
func (c Column) is(name string) bool {
	return strings.EqualFold(name, c.Title) || c.Key != "" && strings.EqualFold(name, c.Key)
}

func quoted(columns []Column) string {
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = `"` + c.Title + `"`
	}
	return strings.Join(titles, ", ")
}

// picked passes on the shown columns of each row.
type picked struct {
	List
	shown []int
	o     Options
}

func (p *picked) Row(values []any) error {
	row := make([]any, len(p.shown))
	for i, at := range p.shown {
		if at < len(values) {
			row[i] = p.o.value(values[at])
		}
	}
	return p.List.Row(row)
}
