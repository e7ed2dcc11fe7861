package sandbox

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// apply serves a request with a fault.
func (f Fault) apply(w http.ResponseWriter, r *http.Request, next http.Handler, fail answer.ErrorWriter) {
	if f.Before != nil {
		f.Before(r)
	}
	switch f.Do {
	case Answer:
		f.answer(w, r, fail)
		return
	case DropBefore:
		panic(http.ErrAbortHandler)
	case Delay:
		delay(r.Context(), f.Wait)
	}
	if f.After == nil && (f.Do == Delay || f.Do == Observe || f.Do == "") {
		next.ServeHTTP(w, r)
		return
	}
	h := answer.Hold(w)
	next.ServeHTTP(h, r)
	if f.After != nil {
		f.After(r)
	}
	switch f.Do {
	case AnswerAfter:
		f.answer(w, r, fail)
	case DropAfter:
		panic(http.ErrAbortHandler)
	case Truncate:
		deliver(w, h, f.Keep)
	default:
		deliver(w, h, -1)
	}
}

func (f Fault) answer(w http.ResponseWriter, r *http.Request, fail answer.ErrorWriter) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	message := f.Message
	if message == "" {
		message = fmt.Sprintf("a fault rule answers %d", f.Status)
	}
	fail(w, r, f.Status, message)
}

// deliver writes the response that was held back; keep >= 0 cuts its body after so many bytes, 0 in half.
func deliver(w http.ResponseWriter, h *answer.Held, keep int) {
	maps.Copy(w.Header(), h.Headers)
	body := h.Body.Bytes()
	if h.Status != http.StatusNoContent && h.Status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if h.Status == 0 {
		h.Status = http.StatusOK
	}
	w.WriteHeader(h.Status)
	if keep < 0 {
		_, _ = w.Write(body)
		return
	}
	if keep == 0 {
		keep = len(body) / 2
	}
	_, _ = w.Write(body[:min(keep, len(body))])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// delay waits for d or until the request is gone.
func delay(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
