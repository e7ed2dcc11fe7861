// Package record puts benchmarks' tables into pages.
package record

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Into puts the table between the marks of a page, `<!-- MARK -->` and `<!-- end of MARK -->`, with the
// day it was made, by which target of make, and on what.
func Into(page, mark, target, table string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	begin, end := []byte("<!-- "+mark+" -->\n"), []byte("<!-- end of "+mark+" -->")
	head, rest, ok := bytes.Cut(text, begin)
	_, tail, ok2 := bytes.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("writing the table into %q: it has no marks of %s", page, mark)
	}
	table += fmt.Sprintf("\nMeasured on %s by `make %s`, on %s.\n\n", time.Now().UTC().Format(time.DateOnly), target, machine())
	return os.WriteFile(page, slices.Concat(head, begin, []byte("\n"), []byte(table), end, tail), 0o644)
}

// machine says what the numbers were made on.
func machine() string {
	text := fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		one, _, _ := strings.Cut(string(load), " ")
		text += ", load average " + one + " at the end"
	}
	return text
}
