// Package record asks clouds the questions of a catalogue and compares what they answer. The answers of a
// real OpenStack are kept in ../recordings; the sandbox has to give the same ones.
package record

import "net/http"

// Scenario is a row of requests that build on each other. It needs nothing of the cloud but the accounts,
// and leaves nothing behind.
type Scenario struct {
	Name    string
	Service string // type of the service as the catalog says it: identity, image, compute, network or volumev3
	Steps   []Step
	Cleanup []string // requests of the owner or, where it may not, of the admin: "DELETE /v2/images/$image"
}

// Step is one request. $names in Request, Header and Body stand for the accounts' ids, for values saved by
// earlier steps, and for what every scenario has: $run, a prefix for names, and $uuid1 to $uuid9.
type Step struct {
	Name string
	// owner (the default), reader of the owner's project, member, stranger, admin, nobody, or the variable with the token of somebody else
	As      string
	Service string // "" = the scenario's
	Request string // "POST /v2/images"
	Version string // microversion of Nova or Cinder; "" = none asked for
	Header  http.Header
	Body    string
	Type    string // content type; "" = application/json where there is a body
	// variable by the path of its value in the answer, "server.addresses.0.addr", or of a header: "header X-Subject-Token"
	Save   map[string]string
	Until  string // "server.status=ACTIVE": asked again until it is so
	Unseen bool   // preparation: has to succeed, is not recorded
}

// Answer is what is kept of a response, without what differs from run to run.
type Answer struct {
	Step    string            `json:"step"`
	Request string            `json:"request"`
	As      string            `json:"as"`
	Status  int               `json:"status"`
	Header  map[string]string `json:"header,omitempty"`
	Body    any               `json:"body,omitempty"`
}

// Recording is a scenario with its answers.
type Recording struct {
	Scenario string   `json:"scenario"`
	Answers  []Answer `json:"answers"`
}
