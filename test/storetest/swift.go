// Package storetest starts stores of images for tests: Debian's Swift and nginx, on loopback, in folders of the test.
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// Swift is a Swift with one replica of everything, and an account that the test may write to.
type Swift struct {
	URL string // of the account

	*processes
	token  string
	client *http.Client
}

// StartSwift starts Debian's Swift, with its data in dir.
func StartSwift(ctx context.Context, dir string) (*Swift, error) {
	s := &Swift{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	return s, attempts(func() error {
		s.processes, s.token = &processes{dir: dir}, ""
		err := s.start(ctx)
		if err != nil {
			s.Stop()
		}
		return err
	})
}

func (s *Swift) start(ctx context.Context) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	for _, folder := range []string{"disk/d1", "cache"} {
		if err := os.MkdirAll(filepath.Join(s.dir, folder), 0o700); err != nil {
			return err
		}
	}
	ports, err := freePorts(ctx, 5)
	if err != nil {
		return err
	}
	names := []string{"account", "container", "object", "proxy"}
	if err := s.python(ctx, makeRings, s.dir, ports[0], ports[1], ports[2]); err != nil {
		return err
	}
	cache := strconv.Itoa(ports[4])
	if err := s.run("/usr/bin/memcached", "-l", "127.0.0.1", "-p", cache, "-u", me.Username); err != nil {
		return err
	}
	for n, name := range names {
		text := fmt.Sprintf(common, ports[n], me.Username, s.dir) + strings.ReplaceAll(servers[name], "CACHE", cache)
		file := filepath.Join(s.dir, name+".conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		if err := s.run("/usr/bin/swift-"+name+"-server", file); err != nil {
			return err
		}
	}
	address := fmt.Sprintf("http://127.0.0.1:%d", ports[3])
	return s.until(ctx, func(ctx context.Context) error {
		if err := s.signIn(ctx, address); err != nil {
			return err
		}
		return s.Container(ctx, "probe") // which makes the account, once all servers are up
	})
}

// Stop stops it.
func (s *Swift) Stop() { s.stop() }

// python runs a program that uses Swift's own code.
func (s *Swift) python(ctx context.Context, program string, args ...any) error {
	words := []string{"-c", program}
	for _, a := range args {
		words = append(words, fmt.Sprint(a))
	}
	out, err := exec.CommandContext(ctx, "/usr/bin/python3", words...).CombinedOutput() // #nosec G204 -- it is of this package
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (s *Swift) signIn(ctx context.Context, address string) error {
	resp, err := s.ask(ctx, http.MethodGet, address+"/auth/v1.0", nil, map[string]string{
		"X-Auth-User": "test:tester", "X-Auth-Key": "testing",
	})
	if err == nil {
		s.URL, s.token = resp.Get("X-Storage-Url"), resp.Get("X-Auth-Token")
	}
	return err
}

// Container makes a container that everybody may read and list.
func (s *Swift) Container(ctx context.Context, name string) error {
	_, err := s.ask(ctx, http.MethodPut, s.URL+"/"+name, nil, map[string]string{"X-Container-Read": ".r:*,.rlistings"})
	return err
}

// List puts so many entries into a container's list, as if objects had been stored. It is written straight into the
// container's database: storing thousands of objects takes minutes.
func (s *Swift) List(ctx context.Context, name string, number int) error {
	return s.python(ctx, fillList, s.dir, name, number)
}

// Put stores an object; path begins with its container.
func (s *Swift) Put(ctx context.Context, path string, data []byte, header map[string]string) error {
	_, err := s.ask(ctx, http.MethodPut, s.URL+"/"+path, data, header)
	return err
}

// Static stores an object in segments that a manifest lists (SLO).
func (s *Swift) Static(ctx context.Context, path string, segments [][]byte, header map[string]string) error {
	container, _, _ := strings.Cut(path, "/")
	var list []map[string]any
	for n, data := range segments {
		segment := fmt.Sprintf("%s_segments/%s/%04d", container, path, n)
		if err := s.segment(ctx, container, segment, data); err != nil {
			return err
		}
		list = append(list, map[string]any{"path": "/" + segment, "size_bytes": len(data)})
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return s.Put(ctx, path+"?multipart-manifest=put", text, header)
}

// Dynamic stores an object in segments that are all with its prefix (DLO).
func (s *Swift) Dynamic(ctx context.Context, path string, segments [][]byte, header map[string]string) error {
	container, _, _ := strings.Cut(path, "/")
	prefix := container + "_segments/dynamic-" + path + "/"
	for n, data := range segments {
		if err := s.segment(ctx, container, fmt.Sprintf("%s%04d", prefix, n), data); err != nil {
			return err
		}
	}
	with := map[string]string{"X-Object-Manifest": prefix}
	maps.Copy(with, header)
	return s.Put(ctx, path, nil, with)
}

func (s *Swift) segment(ctx context.Context, container, path string, data []byte) error {
	if err := s.Container(ctx, container+"_segments"); err != nil {
		return err
	}
	return s.Put(ctx, path, data, nil)
}

func (s *Swift) ask(ctx context.Context, method, address string, data []byte, header map[string]string) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	if s.token != "" {
		req.Header.Set("X-Auth-Token", s.token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %s", method, req.URL.Path, resp.Status, text)
	}
	return resp.Header, err
}
