package config

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// DefaultQueue is the queue's file if neither a file nor a RabbitMQ is configured.
const DefaultQueue = "/var/lib/imgctl/factory/queue.db"

// queueConfig says where the queue is.
type queueConfig struct {
	file, name                  string
	host, port, user, password  string // packuilon's RabbitMQ
	urls                        []string
	passwordFile, ca, cert, key string
}

func (q *queueConfig) check(source string) error {
	switch {
	case q.file != "" && len(q.urls) > 0:
		return fault.New(fault.Usage, "", "reading %s: [imgctl] has both QUEUE_FILE and RABBIT_URLS; keep one", source)
	case (q.cert == "") != (q.key == ""):
		return fault.New(fault.Usage, "", "reading %s: RABBIT_CERT_FILE and RABBIT_KEY_FILE need each other", source)
	}
	return nil
}

// QueueFile is the file that the queue is in; "" if it is in RabbitMQ.
func (c *Config) QueueFile() string {
	switch {
	case c.queue.file != "":
		return c.queue.file
	case len(c.queue.urls) > 0 || c.queue.host != "":
		return ""
	}
	return DefaultQueue
}

// OpenQueue opens the queue: QUEUE_FILE, or else the servers of RABBIT_URLS, or else packuilon's RABBIT_HOST, or
// else DefaultQueue.
func (c *Config) OpenQueue(ctx context.Context) (queue.Queue, error) {
	policy := queue.Policy{Attempts: c.Attempts}
	if file := c.QueueFile(); file != "" {
		return queue.OpenFile(ctx, file, policy)
	}
	o, err := c.rabbit()
	if err != nil {
		return nil, err
	}
	o.Policy = policy
	if c.ConsumeLegacy {
		o.Foreign = c.LegacyQueue
	}
	return queue.DialRabbit(ctx, o)
}

// LookAtQueue opens the queue for those who only look: a queue that isn't there yet is a queue.ErrNone.
func (c *Config) LookAtQueue(ctx context.Context) (queue.Queue, error) {
	if file := c.QueueFile(); file != "" {
		return queue.OpenExisting(ctx, file, queue.Policy{Attempts: c.Attempts})
	}
	o, err := c.rabbit()
	if err != nil {
		return nil, err
	}
	o.Policy.Attempts = c.Attempts
	return queue.LookAtRabbit(ctx, o)
}

// QueuePlace is what users are told that the queue is.
func (c *Config) QueuePlace() string {
	if file := c.QueueFile(); file != "" {
		return file
	}
	return "the queue " + cmp.Or(c.queue.name, queue.DefaultName) + " of RabbitMQ"
}

// ReachQueue tells whether the queue can be used, and changes nothing there. A file that isn't there yet can.
func (c *Config) ReachQueue(ctx context.Context) error {
	if c.QueueFile() == "" {
		o, err := c.rabbit()
		if err != nil {
			return err
		}
		return queue.ReachRabbit(ctx, o)
	}
	q, err := c.LookAtQueue(ctx)
	switch {
	case errors.Is(err, queue.ErrNone):
		return nil
	case err != nil:
		return err
	}
	return q.Close()
}

// CountForeign counts the messages that wait in another program's queue of the same RabbitMQ. It changes nothing
// there.
func (c *Config) CountForeign(ctx context.Context, name string) (int, error) {
	if c.QueueFile() != "" {
		return 0, fault.New(fault.Usage, "set RABBIT_URLS in its place", "the queue is a file, and %s is in a RabbitMQ", name)
	}
	o, err := c.rabbit()
	if err != nil {
		return 0, err
	}
	return queue.CountForeign(ctx, o, name)
}

// rabbit is how to reach RabbitMQ.
func (c *Config) rabbit() (o queue.RabbitOptions, err error) {
	o.Name = c.queue.name
	if o.URLs, err = c.queue.addresses(); err == nil {
		o.TLS, err = c.queue.tls()
	}
	return o, err
}

// addresses are those of the servers, with the password.
func (q *queueConfig) addresses() ([]string, error) {
	urls := q.urls
	if len(urls) == 0 {
		u := url.URL{Scheme: "amqp", Host: net.JoinHostPort(q.host, q.port), User: url.User(q.user), Path: "/"}
		if q.passwordFile == "" {
			u.User = url.UserPassword(q.user, q.password)
		}
		urls = []string{u.String()}
	}
	if q.passwordFile == "" {
		return urls, nil
	}
	password, err := secret(q.passwordFile)
	if err != nil {
		return nil, err
	}
	all := make([]string, 0, len(urls))
	for _, address := range urls {
		u, err := url.Parse(address)
		if err != nil {
			return nil, fault.New(fault.Usage, "", "RABBIT_URLS has an address that is not a URL")
		}
		if _, has := u.User.Password(); !has {
			u.User = url.UserPassword(u.User.Username(), password)
		}
		all = append(all, u.String())
	}
	return all, nil
}

// tls is nil where the system's authorities will do.
func (q *queueConfig) tls() (*tls.Config, error) {
	if q.ca == "" && q.cert == "" {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if q.ca != "" {
		pool, err := Authorities(q.ca)
		if err != nil {
			return nil, err
		}
		t.RootCAs = pool
	}
	if q.cert != "" {
		pair, err := tls.LoadX509KeyPair(q.cert, q.key)
		if err != nil {
			return nil, fault.New(fault.Usage, "", "reading RABBIT_CERT_FILE and RABBIT_KEY_FILE: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// Authorities reads a file of certificates.
func Authorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fault.New(fault.Usage, "", "reading %s: it has no certificates", path)
	}
	return pool, nil
}

// secret is the first line of a file.
func secret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", foreignfile.Unreadable(path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return "", foreignfile.Unreadable(path, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fault.New(fault.Usage, "", "reading %s: its first line, which is the password, is empty", path)
	}
	return line, nil
}

// MailPassword is that of SMTP_PASSWORD_FILE, "" if there is none.
func (c *Config) MailPassword() (string, error) {
	if c.SMTPPassword == "" {
		return "", nil
	}
	return secret(c.SMTPPassword)
}
