// Package notes tells people and programs how builds have ended: by mail, in a chat, or with a webhook.
package notes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// Outcomes of a build.
const (
	Built  = "built"  // there is a new current image
	Failed = "failed" // it is tried again
	Dead   = "dead"   // it isn't
)

// Note is how a build has ended. Its JSON is what a webhook gets.
type Note struct {
	Version int       `json:"version"` // 1
	Outcome string    `json:"outcome"`
	Image   string    `json:"image"`
	IDs     []string  `json:"image_ids,omitempty"` // of the images that are current now
	Message string    `json:"message"`             // the request's id
	Attempt int       `json:"attempt"`
	Reason  string    `json:"reason,omitempty"` // of a failure
	Log     string    `json:"log,omitempty"`    // path, on the worker's host
	Worker  string    `json:"worker"`
	At      time.Time `json:"at"`
}

// Options say who is told what. An empty value is nobody.
type Options struct {
	SuccessAddress, FailureAddress string // mail addresses, separated by commas
	Mail                           Mail
	// SuccessChat and FailureChat are webhooks of Slack, or of chats that understand the same.
	SuccessChat, FailureChat string
	// Webhook gets each note as JSON.
	Webhook string
}

// limit is how long telling one may take.
const limit = 30 * time.Second

// Send tells all who are to be told. Errors don't have addresses of webhooks in them, which are secrets.
func (o Options) Send(ctx context.Context, n Note) error {
	n.Version, n.At = 1, cmp.Or(n.At, time.Now().UTC())
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	address, chat := o.FailureAddress, o.FailureChat
	if n.Outcome == Built {
		address, chat = o.SuccessAddress, o.SuccessChat
	}
	var errs []error
	if address != "" {
		errs = append(errs, o.Mail.send(ctx, address, n.subject(), n.text()))
	}
	if chat != "" {
		errs = append(errs, post(ctx, "the chat", chat, map[string]string{"text": chatText.Replace(n.subject() + "\n" + n.text())}))
	}
	if o.Webhook != "" {
		errs = append(errs, post(ctx, "the webhook", o.Webhook, n))
	}
	return errors.Join(errs...)
}

// chatText keeps a text from being read as a link or a call to everybody.
var chatText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (n Note) subject() string {
	switch n.Outcome {
	case Built:
		return fmt.Sprintf("Image %s is current", n.Image)
	case Failed:
		return fmt.Sprintf("Building image %s failed, and will be tried again", n.Image)
	}
	return fmt.Sprintf("Building image %s failed for good", cmp.Or(n.Image, "of message "+n.Message))
}

func (n Note) text() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	line("Reason", n.Reason)
	line("Image ids", strings.Join(n.IDs, ", "))
	line("Attempt", strconv.Itoa(n.Attempt))
	line("Log", n.Log)
	line("Worker", n.Worker)
	line("Message", n.Message)
	return b.String()
}

// post sends JSON to a webhook.
func post(ctx context.Context, what, address string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return fault.New(fault.Usage, "", "telling %s: its address is no URL", what)
	}
	req.Header.Set("Content-Type", "application/json")
	transport := outbound.New(outbound.Policy{Answer: limit, Total: limit, MaxBody: 64 << 10})
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // its text would have the URL again
	}
	if err != nil {
		return fault.New(fault.Unavailable, "", "telling %s: %w", what, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fault.New(fault.Unavailable, "", "telling %s: it answers %s", what, resp.Status)
	}
	return nil
}
