package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

var (
	columnsOfAll = []Column{{Title: "ID"}, {Title: "Name"}, {Title: "Size"}, {Title: "Ok"}, {Title: "None"}, {Title: "Price"}}
	rowsOfAll    = [][]any{
		{"1", `ubuntu "x" é 日本`, int64(10), true, nil, 1.5},
		{"22", "a, b\nline2", int64(2000), false, nil, 2.25},
		{"3", `x \ back`, int64(0), true, "x", 0.0},
	}
)

func list(t *testing.T, columns []Column, rows [][]any, o Options) string {
	t.Helper()
	var out bytes.Buffer
	l, err := NewList(&out, columns, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := l.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The wanted bytes are what cliff 4.0.0 (python3-cliff of Debian 12) writes for the same rows.
func TestListsAreCliffs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"table", Options{}, `+----+-------------------+------+-------+------+-------+
| ID | Name              | Size | Ok    | None | Price |
+----+-------------------+------+-------+------+-------+
| 1  | ubuntu "x" é 日本 |   10 | True  | None |   1.5 |
| 22 | a, b              | 2000 | False | None |  2.25 |
|    | line2             |      |       |      |       |
| 3  | x \ back          |    0 | True  | x    |     0 |
+----+-------------------+------+-------+------+-------+
`},
		{"json", Options{Format: "json", Columns: []string{"ID", "Name", "None"}}, `[
  {
    "ID": "1",
    "Name": "ubuntu \"x\" \u00e9 \u65e5\u672c",
    "None": null
  },
  {
    "ID": "22",
    "Name": "a, b\nline2",
    "None": null
  },
  {
    "ID": "3",
    "Name": "x \\ back",
    "None": "x"
  }
]
`},
		{
			"json on one line",
			Options{Format: "json", NoIndent: true, Columns: []string{"id", "Ok", "Size"}},
			`[{"ID": "1", "Size": 10, "Ok": true}, {"ID": "22", "Size": 2000, "Ok": false}, {"ID": "3", "Size": 0, "Ok": true}]` + "\n",
		},
		{"value", Options{Format: "value"}, "1 ubuntu \"x\" é 日本 10 True None 1.5\n22 a, b\nline2 2000 False None 2.25\n3 x \\ back 0 " +
			"True x 0\n"},
		{"csv", Options{Format: "csv"}, `"ID","Name","Size","Ok","None","Price"
"1","ubuntu ""x"" é 日本",10,True,"",1.5
"22","a, b
line2",2000,False,"",2.25
"3","x \\ back",0,True,"x",0
`},
		{"csv, all quoted", Options{Format: "csv", Quote: "all"}, `"ID","Name","Size","Ok","None","Price"
"1","ubuntu ""x"" é 日本","10","True","","1.5"
"22","a, b
line2","2000","False","","2.25"
"3","x \\ back","0","True","x","0"
`},
		{"csv, quoted where needed", Options{Format: "csv", Quote: "minimal"}, `ID,Name,Size,Ok,None,Price
1,"ubuntu ""x"" é 日本",10,True,,1.5
22,"a, b
line2",2000,False,,2.25
3,x \\ back,0,True,x,0
`},
		{"csv, not quoted", Options{Format: "csv", Quote: "none"}, `ID,Name,Size,Ok,None,Price
1,ubuntu \"x\" é 日本,10,True,,1.5
22,a\, b\
line2,2000,False,,2.25
3,x \\ back,0,True,x,0
`},
		{"yaml", Options{Format: "yaml", Columns: []string{"ID", "Size", "None"}}, `- ID: "1"
  Size: 10
  None: null
- ID: "22"
  Size: 2000
  None: null
- ID: "3"
  Size: 0
  None: x
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, list(t, columnsOfAll, rowsOfAll, c.o)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEmptyListsAreCliffs(t *testing.T) {
	t.Parallel()
	columns := []Column{{Title: "ID"}, {Title: "Name"}}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"table", Options{}, "\n"},
		{"table, printed", Options{PrintEmpty: true}, "+----+------+\n| ID | Name |\n+----+------+\n+----+------+\n"},
		{"json", Options{Format: "json"}, "[]\n"},
		{"yaml", Options{Format: "yaml"}, "[]\n"},
		{"csv", Options{Format: "csv", Quote: "minimal"}, "ID,Name\n"},
		{"value", Options{Format: "value"}, ""},
	} {
		if got := list(t, columns, nil, c.o); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWidthIsSharedAsInCliff(t *testing.T) {
	t.Parallel()
	columns := []Column{{Title: "ID"}, {Title: "Name"}, {Title: "Text"}}
	row := []any{"38b12d9c-2c50-47ec-8e1e-0b1c1d3f2a11", "a name", "the quick brown fox jumps over the lazy dog well-known"}
	want := `+-------------------+--------+-------------------+
| ID                | Name   | Text              |
+-------------------+--------+-------------------+
| 38b12d9c-2c50-    | a name | the quick brown   |
| 47ec-8e1e-        |        | fox jumps over    |
| 0b1c1d3f2a11      |        | the lazy dog      |
|                   |        | well-known        |
| x                 | y      | z                 |
+-------------------+--------+-------------------+
`
	rows := [][]any{row, {"x", "y", "z"}}
	for _, o := range []Options{{MaxWidth: 50}, {FitWidth: true, TermWidth: 50}, {MaxWidth: 50, TermWidth: 20}} {
		if diff := cmp.Diff(want, list(t, columns, rows, o)); diff != "" {
			t.Errorf("%+v: %s", o, diff)
		}
	}
	if got := list(t, columns, rows, Options{TermWidth: 50}); strings.Count(got, "\n") != 6 {
		t.Errorf("a table was wrapped that nobody wanted to fit:\n%s", got)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	fields := []Field{
		{Name: "id", Value: "1"},
		{Name: "Disk Size", Value: int64(3 << 30), Unit: Bytes},
		{Name: "os:type-x", Value: "a \"$(b)` \\"},
		{Name: "tags", Value: []any{"a", "b"}},
		{Name: "properties", Value: map[string]any{"k": "v", "a": 1.0}},
		{Name: "gone", Value: nil},
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"table", Options{}, `+------------+--------------+
| Field      | Value        |
+------------+--------------+
| id         | 1            |
| Disk Size  | 3.0 GiB      |
| os:type-x  | a "$(b)` + "`" + ` \   |
| tags       | a, b         |
| properties | a='1', k='v' |
| gone       | None         |
+------------+--------------+
`},
		{
			"json",
			Options{Format: "json", NoIndent: true},
			`{"id": "1", "Disk Size": 3221225472, "os:type-x": "a \"$(b)` + "`" +
				` \\", "tags": ["a", "b"], "properties": {"a": 1, "k": "v"}, "gone": null}` + "\n",
		},
		{"json, indented", Options{Format: "json", Columns: []string{"tags", "properties"}}, `{
  "tags": [
    "a",
    "b"
  ],
  "properties": {
    "a": 1,
    "k": "v"
  }
}
`},
		{"value", Options{Format: "value", Columns: []string{"id", "gone", "tags"}}, "1\n[\"a\", \"b\"]\nNone\n"},
		{
			"shell",
			Options{Format: "shell", Prefix: "x_", Columns: []string{"id", "disk size", "os:type-x"}},
			"x_id=\"1\"\nx_disk_size=\"3221225472\"\nx_os_type_x=\"a \\\"\\$(b)\\` \\\\\"\n",
		},
		{"yaml", Options{Format: "yaml", Columns: []string{"id", "tags"}}, "id: \"1\"\ntags:\n  - a\n  - b\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := Show(&out, fields, c.o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	columns := []Column{{Title: "Name"}, {Title: "Size", Key: "bytes", Hidden: true}}
	rows := [][]any{{"b", int64(10)}, {"a", nil}, {"c", int64(9)}, {"a", int64(10)}}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"numbers by size, nothing last", Options{SortColumns: []string{"bytes"}}, "c b a a"},
		{"descending turns it round", Options{SortColumns: []string{"Size"}, Descending: true}, "a b a c"},
		{"by two columns", Options{SortColumns: []string{"name", "size"}}, "a a b c"},
	} {
		c.o.Format = "value"
		if got := strings.Join(strings.Fields(list(t, columns, rows, c.o)), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	_, err := NewList(&bytes.Buffer{}, columns, Options{SortColumns: []string{"name", "colour"}})
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), `no column "colour" to sort by; choose from "Name", "Size"`) {
		t.Errorf("a column that isn't there: %v", err)
	}
}

func TestColumnsThatAreNotThere(t *testing.T) {
	t.Parallel()
	columns := []Column{{Title: "Name"}, {Title: "Size"}}
	if got := list(t, columns, [][]any{{"a", int64(1)}}, Options{Format: "value", Columns: []string{"size", "colour"}}); got != "1\n" {
		t.Errorf("one of two: %q", got)
	}
	_, err := NewList(&bytes.Buffer{}, columns, Options{Columns: []string{"colour"}})
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), `"Name", "Size"`) {
		t.Errorf("none of them: %v", err)
	}
	if got := Unknown(columns, []string{"size", "colour"}); !cmp.Equal(got, []string{"colour"}) {
		t.Errorf("unknown: %q", got)
	}
	for _, format := range []string{"shell", "xml"} {
		if _, err := NewList(&bytes.Buffer{}, columns, Options{Format: format}); !fault.Is(err, fault.Usage) {
			t.Errorf("format %q: %v", format, err)
		}
	}
}

func TestTablesCannotMoveTheCursor(t *testing.T) {
	t.Parallel()
	got := list(t, []Column{{Title: "Name"}}, [][]any{{"a\x1b[2Jb\u202ec\td"}}, Options{})
	if strings.ContainsAny(got, "\x1b\u202e\t") {
		t.Errorf("%q", got)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	columns := []Column{{Title: "A", Unit: Bytes}, {Title: "B", Unit: Seconds}}
	rows := [][]any{{int64(512), 1.5}, {1536.0, int64(90)}, {int64(1 << 40), int64(7260)}, {nil, int64(90061)}}
	got := strings.Fields(strings.NewReplacer("|", "", "+", "", "-", "").Replace(list(t, columns, rows, Options{})))
	if want := strings.Fields("A B 512 B 1.5s 1.5 KiB 1m30s 1.0 TiB 2h01m None 1d01h"); !cmp.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := list(t, columns, rows[1:2], Options{Format: "value"}); got != "1536 90\n" {
		t.Errorf("for programs: %q", got)
	}
}

// Other people's parsers judge what 100,000 rows come to.
func TestManyRowsArriveWhole(t *testing.T) {
	t.Parallel()
	const many = 100_000
	columns := []Column{{Title: "N"}, {Title: "Name"}}
	rows := make([][]any, many)
	for i := range rows {
		rows[i] = []any{int64(i), fmt.Sprintf("name, %d", i)}
	}
	var objects []struct {
		N    int
		Name string
	}
	if err := json.Unmarshal([]byte(list(t, columns, rows, Options{Format: "json"})), &objects); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(list(t, columns, rows, Options{Format: "csv"}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(list(t, columns, rows, Options{Format: "value"}), "\n"), "\n")
	if len(objects) != many || len(records) != many+1 || len(lines) != many {
		t.Fatalf("%d objects, %d records, %d lines", len(objects), len(records), len(lines))
	}
	for i := range many {
		if objects[i].N != i || records[i+1][0] != strconv.Itoa(i) || lines[i] != fmt.Sprintf("%d name, %d", i, i) {
			t.Fatalf("row %d: %v, %v, %v", i, objects[i], records[i+1], lines[i])
		}
	}
}

func FuzzJSONIsReadBack(f *testing.F) {
	f.Add("a\x00\x7f\"\\é日\U0001f600\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		b := appendString(nil, s)
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got != want && strings.ToValidUTF8(s, "") == s {
			t.Errorf("%q came back as %q", want, got)
		}
	})
}
