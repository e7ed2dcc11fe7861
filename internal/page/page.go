// Package page makes pages that people look at in a browser: files of their own that need no network. They can
// be used by keyboard, on narrow screens and in the dark. All texts from elsewhere are escaped by html/template.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed style.css
var style string

//go:embed table.js
var script string

//go:embed page.html
var layout string

// Page is a page of a subject.
type Page struct {
	Title string
	Lead  string // one or two sentences under the title
	Made  time.Time
	Data  any // for the subject's template
}

// Template is a subject's template within the layout.
type Template struct{ t *template.Template }

// New makes a template of the subject's, which defines "body" and gets Page.Data. Besides html/template's, it may
// call bytes, day, ago, count and timeline. It panics if the text is no template.
func New(body string) *Template {
	t := template.Must(template.New("page").Funcs(functions).Parse(layout))
	return &Template{template.Must(t.Parse(body))}
}

// Write writes the page.
func (t *Template) Write(w io.Writer, p Page) error {
	var out bytes.Buffer
	err := t.t.ExecuteTemplate(&out, "layout", struct {
		Page
		Style      template.CSS
		Script     template.JS
		ScriptHash string
	}{p, template.CSS(style), template.JS(script), hash(script)}) // #nosec G203 -- this package's own files
	if err != nil {
		return fmt.Errorf("writing page %q: %w", p.Title, err)
	}
	_, err = out.WriteTo(w)
	return err
}

// hash is what a browser compares the script with before it runs it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

var functions = template.FuncMap{
	"bytes": Bytes, "day": day, "ago": Ago, "count": Count, "timeline": func(t Timeline) timeline { return t.layOut() },
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// Bytes is a size for people, such as 1.5 GiB.
func Bytes(n int64) string {
	const k = 1024
	switch f := float64(n); {
	case n < k:
		return fmt.Sprintf("%d B", n)
	case n < k*k:
		return fmt.Sprintf("%.0f KiB", f/k)
	case n < k*k*k:
		return fmt.Sprintf("%.0f MiB", f/k/k)
	case n < k*k*k*k:
		return fmt.Sprintf("%.1f GiB", f/k/k/k)
	default:
		return fmt.Sprintf("%.1f TiB", f/k/k/k/k)
	}
}

// Ago is an age for people: in days, or months from three months on.
func Ago(from, now time.Time) string {
	switch days := int(now.Sub(from).Hours() / 24); {
	case from.IsZero():
		return ""
	case days < 0:
		return "0 d"
	case days < 90:
		return fmt.Sprintf("%d d", days)
	default:
		return fmt.Sprintf("%d mo", int(float64(days)/30.44))
	}
}

// Count is a number of things, such as "1 image" or "2 images".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
