package render

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
)

// The minimum width of a column; if necessary, a table gets wider than its limit.
const (
	narrowest      = 8
	narrowestField = 16
)

// tableList writes the table when all rows are there, as their widths decide about it.
type tableList struct {
	w       io.Writer
	columns []Column
	o       Options
	rows    [][]any
	held    Held
}

func (l *tableList) Row(values []any) error {
	if !l.held.Add(values...) {
		l.rows = nil
		return l.held.tooMany("choose json, yaml, csv or value, whose rows are written as they arrive", "a table")
	}
	l.rows = append(l.rows, values)
	return nil
}

func (l *tableList) Close() error {
	if l.held.full {
		return nil
	}
	if len(l.rows) == 0 && !l.o.PrintEmpty {
		_, err := io.WriteString(l.w, "\n")
		return err
	}
	head := make([]string, len(l.columns))
	right := make([]bool, len(l.columns))
	for i, c := range l.columns {
		head[i] = c.Title
		right[i] = c.Right || len(l.rows) > 0 && isNumber(l.rows[0][i])
	}
	cells := make([][]string, len(l.rows))
	for r, row := range l.rows {
		cells[r] = make([]string, len(row))
		for i, v := range row {
			cells[r][i] = human(v, l.columns[i].Unit)
		}
	}
	return draw(l.w, head, right, cells, narrowest, l.o)
}

func isNumber(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	}
	return false
}

func showTable(w io.Writer, fields []Field, o Options) error {
	if len(fields) == 0 {
		_, err := io.WriteString(w, "\n")
		return err
	}
	cells := make([][]string, len(fields))
	for i, f := range fields {
		cells[i] = []string{f.Name, human(f.Value, f.Unit)}
	}
	return draw(w, []string{"Field", "Value"}, make([]bool, 2), cells, narrowestField, o)
}

func draw(w io.Writer, head []string, right []bool, cells [][]string, narrowest int, o Options) error {
	for i := range head {
		head[i] = printable.Line(head[i])
	}
	for _, row := range cells {
		for i := range row {
			row[i] = printable.Text(row[i]) // before it is measured
		}
	}
	t := table.NewWriter()
	style := table.StyleDefault
	style.Format.Header = pretty.FormatDefault
	t.SetStyle(style)
	widths := natural(head, cells)
	limits := limits(widths, narrowest, o)
	configs := make([]table.ColumnConfig, len(head))
	titles := make(table.Row, len(head))
	for i := range head {
		titles[i] = head[i]
		configs[i] = table.ColumnConfig{Number: i + 1, Align: pretty.AlignLeft, AlignHeader: pretty.AlignLeft, VAlign: pretty.VAlignTop}
		if right[i] {
			configs[i].Align, configs[i].AlignHeader = pretty.AlignRight, pretty.AlignRight
		}
		if limits[i] > 0 {
			titles[i] = wrap(head[i], limits[i])
			configs[i].WidthMin = min(limits[i], widths[i]) // the wrapped text may be narrower
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(titles)
	for _, row := range cells {
		line := make(table.Row, len(row))
		for i, cell := range row {
			if limits[i] > 0 {
				cell = wrap(cell, limits[i])
			}
			line[i] = cell
		}
		t.AppendRow(line)
	}
	_, err := io.WriteString(w, t.Render()+"\n")
	return err
}

// natural are the widths of the columns when nothing is wrapped.
func natural(head []string, cells [][]string) []int {
	widths := make([]int, len(head))
	widen := func(row []string) {
		for i, cell := range row {
			for line := range strings.SplitSeq(cell, "\n") {
				widths[i] = max(widths[i], columns(line))
			}
		}
	}
	widen(head)
	for _, row := range cells {
		widen(row)
	}
	return widths
}

// limits shares a limited width among the columns as cliff does: columns below an even share keep
// their width, the others get even parts of the rest. 0 means no limit.
func limits(widths []int, narrowest int, o Options) []int {
	limits := make([]int, len(widths))
	total := o.MaxWidth
	if total <= 0 && o.FitWidth {
		total = o.TermWidth
	}
	line := 1
	for _, w := range widths {
		line += w + 3
	}
	if total <= 0 || line <= total {
		return limits
	}
	usable := max(0, total-1-3*len(widths))
	share, rest := usable/len(widths), usable
	var shrink []int
	for i, w := range widths {
		if w <= share {
			rest -= w
		} else {
			shrink = append(shrink, i)
		}
	}
	part := rest / len(shrink)
	for n, i := range shrink {
		if n == len(shrink)-1 {
			part = rest
		}
		limits[i] = max(narrowest, part)
		rest -= part
	}
	return limits
}
