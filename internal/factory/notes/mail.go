package notes

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Mail is how mail is sent.
type Mail struct {
	Server         string // host:port, "" for localhost:25
	From           string // "" for imgctl@ and the server's name
	User, Password string // "" to send without a login; a login needs TLS, or the loopback
	RequireTLS     bool   // send nothing to a server that doesn't offer TLS
	TLS            *tls.Config
}

// send sends a mail, with TLS if the server offers it.
func (m Mail) send(ctx context.Context, to, subject, text string) (err error) {
	server := cmp.Or(m.Server, "localhost:25")
	defer func() {
		if err != nil && fault.KindOf(err) != fault.Usage {
			err = fault.New(fault.Unavailable, "", "sending mail with %s: %w", server, err)
		}
	}()
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return fault.New(fault.Usage, "", "sending mail: SMTP_SERVER %q is not like host:port", server)
	}
	from := cmp.Or(m.From, "imgctl@"+host)
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return fault.New(fault.Usage, "", "sending mail: the sender %q is no address", from)
	}
	receivers, err := mail.ParseAddressList(to)
	if err != nil {
		return fault.New(fault.Usage, "", "sending mail: %q is no list of addresses", to)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return err
	}
	defer conn.Close()
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(until)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if ok, _ := c.Extension("STARTTLS"); !ok && m.RequireTLS {
		return errors.New("it doesn't offer TLS, which SMTP_REQUIRE_TLS asks for")
	} else if ok {
		config := m.TLS.Clone()
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		config.ServerName = host
		if err := c.StartTLS(config); err != nil {
			return err
		}
	}
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return err
		}
	}
	if err := c.Mail(sender.Address); err != nil {
		return err
	}
	for _, r := range receivers {
		if err := c.Rcpt(r.Address); err != nil {
			return fmt.Errorf("to %s: %w", r.Address, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(letter(sender, receivers, subject, text)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

// letter is a mail of plain text. What is in the subject can't add a header, whatever it is.
func letter(from *mail.Address, to []*mail.Address, subject, text string) []byte {
	names := make([]string, len(to))
	for n, r := range to {
		names[n] = r.String()
	}
	subject = strings.Join(strings.Fields(subject), " ")
	var b strings.Builder
	for _, header := range [][2]string{
		{"From", from.String()},
		{"To", strings.Join(names, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", subject)},
		{"Date", time.Now().Format(time.RFC1123Z)},
		{"Message-ID", "<" + uuid.NewString() + "@imgctl>"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "base64"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", header[0], header[1])
	}
	b.WriteString("\r\n")
	body := base64.StdEncoding.EncodeToString([]byte(text))
	for len(body) > 76 {
		b.WriteString(body[:76] + "\r\n")
		body = body[76:]
	}
	b.WriteString(body + "\r\n")
	return []byte(b.String())
}
