package storetest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
)

const nginx = `daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/log;
user %[4]s;
events {}
http {
  access_log %[1]s/access;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server {
    listen 127.0.0.1:%[2]d;
    root %[3]s;
  }
}
`

// Web is a web server.
type Web struct {
	URL string

	*processes
}

// StartWeb starts Debian's nginx, which serves the files of a folder. Its own are in dir.
func StartWeb(ctx context.Context, dir, folder string) (*Web, error) {
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	w := &Web{}
	return w, attempts(func() error {
		w.processes = &processes{dir: dir}
		ports, err := freePorts(ctx, 1)
		if err != nil {
			return err
		}
		w.URL = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, fmt.Appendf(nil, nginx, dir, ports[0], folder, me.Username), 0o600); err != nil {
			return err
		}
		if err = w.run("/usr/sbin/nginx", "-p", dir, "-c", file); err == nil {
			err = w.until(ctx, w.answers)
		}
		if err != nil {
			w.Stop()
		}
		return err
	})
}

// Stop stops it.
func (w *Web) Stop() { w.stop() }

// Log is what the server was asked, a line for each request.
func (w *Web) Log() (string, error) {
	text, err := os.ReadFile(filepath.Join(w.dir, "access"))
	return string(text), err
}

func (w *Web) answers(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, w.URL, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
