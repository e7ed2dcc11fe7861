//go:build linux

package userland

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

func init() { register(map[string]Command{"curl": curl, "wget": wget}) }

// fetch makes one HTTP request and writes the body to file, or to standard output where that is "".
type fetch struct {
	method, url, body, file string
	headers                 []string
	limit                   time.Duration
	failOnStatus            bool
	showHeaders             bool
}

func (p *Proc) fetch(f fetch) (status string, code int, err error) {
	if !strings.Contains(f.url, "://") {
		f.url = "http://" + f.url
	}
	r, err := http.NewRequestWithContext(p.Ctx, f.method, f.url, strings.NewReader(f.body))
	if err != nil {
		return "", 0, err
	}
	for _, h := range f.headers {
		k, v, _ := strings.Cut(h, ":")
		r.Header.Set(k, strings.TrimSpace(v))
	}
	resp, err := (&http.Client{Timeout: f.limit}).Do(r)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	if f.failOnStatus && resp.StatusCode >= 400 {
		return resp.Status, resp.StatusCode, nil
	}
	out := p.Out
	if f.file != "" {
		o, err := os.Create(p.Path(f.file))
		if err != nil {
			return "", 0, err
		}
		defer o.Close()
		out = o
	}
	if f.showHeaders {
		fmt.Fprintf(out, "%s %s\r\n", resp.Proto, resp.Status)
		_ = resp.Header.Write(out)
		fmt.Fprint(out, "\r\n")
	}
	_, err = io.Copy(out, resp.Body)
	return resp.Status, resp.StatusCode, err
}

func curl(p *Proc) int {
	f, urls, ok := p.options("sSfLkIivgo:OH:d:X:m:w:A:u:", "silent=s", "show-error=S", "fail=f", "location=L", "insecure=k", "head=I",
		"include=i", "verbose=v", "output=o",
		"remote-name=O", "header=H", "data=d", "request=X", "max-time=m", "connect-timeout=m", "retry=A", "retry-delay=A", "write-out=w",
		"user-agent=A")
	if !ok || len(urls) == 0 {
		return p.usage("[-sfLI] [-o FILE] [-H HEADER] [-d DATA] [-X METHOD] URL...")
	}
	limit := time.Duration(0)
	if d, err := duration(f.value('m', "")); err == nil {
		limit = d
	}
	for _, url := range urls {
		r := fetch{
			method: "GET", url: url, body: f.value('d', ""), file: f.value('o', ""), headers: f['H'], limit: limit,
			failOnStatus: f.has('f'), showHeaders: f.has('i') || f.has('I'),
		}
		if f.has('d') {
			r.method = "POST"
		}
		if f.has('I') {
			r.method = "HEAD"
		}
		if f.has('O') {
			r.file = path.Base(url)
		}
		r.method = f.value('X', r.method)
		if r.file == "-" {
			r.file = ""
		}
		_, code, err := p.fetch(r)
		if err != nil {
			fmt.Fprintf(p.Err, "curl: (7) %v\n", err)
			return 7
		}
		if f.has('w') {
			fmt.Fprint(p.Out, strings.NewReplacer(`\n`, "\n", "%{http_code}", strconv.Itoa(code), "%{response_code}",
				strconv.Itoa(code)).Replace(f.value('w', "")))
		}
		if f.has('f') && code >= 400 {
			fmt.Fprintf(p.Err, "curl: (22) The requested URL returned error: %d\n", code)
			return 22
		}
	}
	return 0
}

func wget(p *Proc) int {
	f, urls, ok := p.options("qO:P:T:t:cSN", "quiet=q", "output-document=O", "directory-prefix=P", "timeout=T", "tries=t",
		"no-check-certificate=N")
	if !ok || len(urls) == 0 {
		return p.usage("[-q] [-O FILE] URL...")
	}
	for _, url := range urls {
		file := f.value('O', "")
		if file == "" {
			if file = path.Base(url); file == "" || file == "/" || file == "." {
				file = "index.html"
			}
			file = path.Join(f.value('P', ""), file)
		}
		if file == "-" {
			file = ""
		}
		status, code, err := p.fetch(fetch{method: "GET", url: url, file: file, failOnStatus: true})
		if err != nil {
			fmt.Fprintf(p.Err, "wget: %v\n", err)
			return 4
		}
		if code >= 400 {
			fmt.Fprintf(p.Err, "wget: server returned error: %s\n", status)
			return 8
		}
	}
	return 0
}
