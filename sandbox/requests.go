package sandbox

import (
	"encoding/json"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Request is one line of the request log.
type Request struct {
	Seq         int           `json:"seq"`                   // from 1, in order of arrival
	Time        time.Time     `json:"time"`                  // of arrival
	Duration    time.Duration `json:"duration_ns,omitempty"` // until the response was written; 0 while it is served
	Method      string        `json:"method"`
	Path        string        `json:"path"` // with the service's prefix, such as /image/v2/images
	Query       string        `json:"query,omitempty"`
	Status      int           `json:"status"`            // 0 while it is served, and if the connection was closed without a response
	Fault       string        `json:"fault,omitempty"`   // its fault, such as "drop-after"; "" for most requests
	ConnID      int64         `json:"conn"`              // the connection it came on, from 1
	Project     string        `json:"project,omitempty"` // id of the project of its token
	User        string        `json:"user,omitempty"`    // id of the user of its token
	UserAgent   string        `json:"user_agent,omitempty"`
	BodySize    int64         `json:"body_size,omitempty"`  // bytes of the request's body that were read
	RequestID   string        `json:"request_id,omitempty"` // the answer's x-openstack-request-id
	ContentType string        `json:"content_type,omitempty"`
}

// Requests is the log of requests so far, in order of arrival. It keeps the last 100,000 at least.
func (c *Cloud) Requests() []Request {
	kept := c.front.Log.Requests()
	all := make([]Request, len(kept))
	for i, r := range kept {
		all[i] = Request(r)
	}
	return all
}

// ResetRequests empties the log of requests; the numbering continues.
func (c *Cloud) ResetRequests() { c.front.Log.Reset() }

// sink writes requests to the RequestLog. A log that can't be written doesn't stop the sandbox.
func (o Options) sink() func(front.Request) {
	if o.RequestLog == nil {
		return nil
	}
	lines := json.NewEncoder(o.RequestLog)
	lines.SetEscapeHTML(false)
	return func(r front.Request) { _ = lines.Encode(Request(r)) }
}
