package front

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// keep bounds the log of a sandbox that serves for days.
const keep = 200_000

// Request is one line of the request log.
type Request struct {
	Seq         int           // from 1, in order of arrival
	Time        time.Time     // of arrival
	Duration    time.Duration // until the response was written; 0 while it is served
	Method      string
	Path        string // with the service's prefix, such as /image/v2/images
	Query       string
	Status      int    // 0 while it is served and where the connection was closed without an answer
	Fault       string // what was done to it, such as "drop-after"; "" for most requests
	ConnID      int64  // the connection it came on, from 1
	Project     string // id of the project of its token
	User        string // id of the user of its token
	UserAgent   string
	BodySize    int64  // bytes of the request's body that were read
	RequestID   string // the answer's x-openstack-request-id
	ContentType string
}

// Log keeps what was asked of the sandbox. The zero value is ready.
type Log struct {
	Sink func(Request) // takes each request once it is answered, one at a time; nil = nobody

	mu      sync.Mutex
	seq     int
	entries []*Request
}

// Requests returns the requests so far, in order of arrival.
func (l *Log) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Request, len(l.entries))
	for i, e := range l.entries {
		out[i] = *e
	}
	return out
}

// Reset forgets the requests so far; the numbers go on.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

func (l *Log) begin(r *http.Request, id string, c Caller) *Request {
	conn, _ := r.Context().Value(connKey{}).(int64)
	e := &Request{
		Time: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, ConnID: conn,
		Project: c.ProjectID, User: c.UserID, UserAgent: r.UserAgent(), RequestID: id,
		ContentType: r.Header.Get("Content-Type"),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e.Seq = l.seq
	if len(l.entries) >= keep {
		l.entries = slices.Delete(l.entries, 0, keep/2)
	}
	l.entries = append(l.entries, e)
	return e
}

func (l *Log) fault(e *Request, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Fault = name
}

func (l *Log) status(e *Request, status int, body int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Status, e.BodySize = status, body
}

func (l *Log) end(e *Request, body int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.BodySize, e.Duration = body, time.Since(e.Time)
	if l.Sink != nil {
		l.Sink(*e)
	}
}
