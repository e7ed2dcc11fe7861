package redact

import (
	"io"
	"strings"
)

// Writer crosses the secrets that no name contains out of a stream of bytes. What could be the
// beginning of one is held back until more comes, or until Close, which leaves w open.
func (r *Redactor) Writer(w io.Writer) io.WriteCloser { return &writer{r: r, w: w} }

type writer struct {
	r    *Redactor
	w    io.Writer
	held string
}

func (w *writer) Write(p []byte) (int, error) {
	text := w.r.Result(w.held + string(p))
	keep := w.r.begun(text)
	w.held = text[len(text)-keep:]
	if _, err := io.WriteString(w.w, text[:len(text)-keep]); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *writer) Close() error {
	held := w.held
	w.held = ""
	if held == "" {
		return nil
	}
	_, err := io.WriteString(w.w, held)
	return err
}

// begun is how many bytes at the end of the text could be the beginning of a secret.
func (r *Redactor) begun(text string) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for n := min(len(text), r.longest-1); n > 0; n-- {
		for _, s := range r.strong.texts {
			if n < len(s) && strings.HasPrefix(s, text[len(text)-n:]) {
				return n
			}
		}
	}
	return 0
}
