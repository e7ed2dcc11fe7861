package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// shared is a way to servers that the processes of one run have in common: the first process keeps
// the connections, and the others send their requests through it. Packer starts a process for each
// source, and thirty of them would open ninety connections.
//
// The others need nothing but the first one's socket. Where it isn't there, or goes away, the next
// process takes its place, and a request that can't be passed on goes its own way.
type shared struct {
	own  *http.Transport
	name string // of the socket

	mu    sync.Mutex
	first bool            // this process keeps the connections
	via   *http.Transport // to the one that does; nil before it was needed
}

// Headers between the processes.
const (
	toHeader      = "Imgctl-To"      // the request's address
	failureHeader = "Imgctl-Failure" // why there is no answer, see failures
)

// RoundTrip sends the request over the common connections.
func (s *shared) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return s.own.RoundTrip(req)
	}
	for range 2 {
		via := s.join()
		if via == nil {
			return s.own.RoundTrip(req)
		}
		passed := req.Clone(req.Context())
		passed.URL = &url.URL{Scheme: "http", Host: "run", Path: "/"}
		passed.Host = ""
		passed.Header.Set(toHeader, req.URL.String())
		resp, err := via.RoundTrip(passed)
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" && req.Context().Err() == nil {
			continue // nobody is there any more: nothing was sent, and this process may take the place
		}
		if err != nil {
			return nil, err
		}
		resp.Request = req
		return failed(resp)
	}
	return s.own.RoundTrip(req)
}

// join is the way to the process that keeps the connections, nil where it is this one.
func (s *shared) join() *http.Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first {
		return nil
	}
	if l, err := listen(s.name); err == nil {
		s.first = true
		server := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute, MaxHeaderBytes: maxHeader}
		go func() { _ = server.Serve(l) }() // until the process ends
		return nil
	}
	if s.via == nil {
		s.via = &http.Transport{
			DisableCompression: true, MaxResponseHeaderBytes: 2 * maxHeader, IdleConnTimeout: time.Minute,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, s.name) },
		}
	}
	return s.via
}

// serve sends another process's request.
func (s *shared) serve(w http.ResponseWriter, r *http.Request) {
	body, err := repeatable(r)
	if err != nil {
		panic(http.ErrAbortHandler) // the other one is gone
	}
	// The caller is the same user, who could send it as well.
	out, err := http.NewRequestWithContext(r.Context(), r.Method, r.Header.Get(toHeader), body) // #nosec G704
	if err != nil {
		w.Header().Set(failureHeader, "lost")
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	out.Header = r.Header.Clone()
	out.Header.Del(toHeader)
	if r.Header.Get("Accept-Encoding") == "" {
		out.Header.Del("Accept-Encoding") // the transport asks for what it unpacks
	}
	resp, err := s.own.RoundTrip(out)
	if err != nil {
		w.Header().Set(failureHeader, failureOf(err))
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	for _, name := range []string{failureHeader, "Connection", "Keep-Alive"} {
		w.Header().Del(name)
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(flushing{w}, resp.Body); err != nil {
		panic(http.ErrAbortHandler) // so that the other one sees an answer that was cut
	}
}

// repeatable is the request's body, which the transport sends again where a kept connection turns out
// to be closed. What goes this way is small; anything else is sent once.
func repeatable(r *http.Request) (io.Reader, error) {
	const small = 1 << 20
	start, err := io.ReadAll(io.LimitReader(r.Body, small+1))
	switch {
	case err != nil:
		return nil, err
	case len(start) == 0:
		return nil, nil
	case len(start) <= small:
		return bytes.NewReader(start), nil
	}
	return io.MultiReader(bytes.NewReader(start), r.Body), nil
}

// flushing passes on what arrives as it arrives.
type flushing struct{ http.ResponseWriter }

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	if err == nil {
		err = http.NewResponseController(f.ResponseWriter).Flush()
	}
	return n, err
}

// failureOf is the sort of error, of which callers tell what may be tried again.
func failureOf(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "name"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "certificate"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "record"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "dial"
	}
	return "lost"
}

// failed is the answer, or the error in its place.
func failed(resp *http.Response) (*http.Response, error) {
	sort := resp.Header.Get(failureHeader)
	if sort == "" {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxHeader))
	if err != nil {
		return nil, err
	}
	said := errors.New(string(text[:max(len(text)-1, 0)]))
	switch sort {
	case "name":
		return nil, &net.DNSError{Err: said.Error(), IsNotFound: true}
	case "certificate":
		return nil, &tls.CertificateVerificationError{Err: said}
	case "record":
		return nil, tls.RecordHeaderError{Msg: said.Error()}
	case "dial":
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: said}
	}
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: said}
}

// closeIdle closes what this process alone uses. The connections that it keeps for the run stay: the
// others go on with them.
func (s *shared) closeIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.via != nil {
		s.via.CloseIdleConnections()
	}
	if !s.first {
		s.own.CloseIdleConnections()
	}
}
