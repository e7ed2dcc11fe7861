package sandbox

import (
	"fmt"
	"net/http"
	"time"
)

// Effect is what a fault does to a request.
type Effect string

// The effects.
const (
	Answer      Effect = "answer"       // Status is answered; the handler does not run
	AnswerAfter Effect = "answer-after" // the handler runs and its write takes effect, then Status is answered
	DropBefore  Effect = "drop-before"  // the connection is closed; the handler does not run
	DropAfter   Effect = "drop-after"   // the handler runs and its write takes effect, then the connection is closed
	Delay       Effect = "delay"        // the request waits for Wait first
	Truncate    Effect = "truncate"     // the response's body ends after Keep bytes (default: half) and the connection is closed
	Observe     Effect = "observe"      // nothing but the hooks
)

// Fault is a failure of one request.
type Fault struct {
	Do         Effect        `yaml:"do"`
	Status     int           `yaml:"status"`      // of Answer and AnswerAfter
	RetryAfter string        `yaml:"retry_after"` // value of the Retry-After header; "" = none
	Message    string        `yaml:"message"`     // of the error body; "" = one that names the fault
	Wait       time.Duration `yaml:"wait"`        // of Delay
	Keep       int           `yaml:"keep"`        // of Truncate

	// Before runs before the handler; After runs when the handler is done, before the client gets the response.
	// They may kill the client.
	Before func(*http.Request) `yaml:"-"`
	After  func(*http.Request) `yaml:"-"`
}

// Status is a fault that answers the status without running the handler.
func Status(code int) Fault { return Fault{Do: Answer, Status: code} }

// StatusAfter is a fault that answers the status although the request took effect.
func StatusAfter(code int) Fault { return Fault{Do: AnswerAfter, Status: code} }

// String names the fault, such as "answer 503" or "drop-after".
func (f Fault) String() string {
	switch f.Do {
	case Answer, AnswerAfter:
		return fmt.Sprintf("%s %d", f.Do, f.Status)
	case "":
		return string(Observe)
	}
	return string(f.Do)
}

// Rule says which requests get a fault.
type Rule struct {
	Method string `yaml:"method"` // "" = any; several by "|"
	// a glob over the path with the service's prefix ("*" within a segment, "**" across), a regexp when it starts with "^"; "" = any
	Path  string                   `yaml:"path"`
	Match func(*http.Request) bool `yaml:"-"`     // one more condition; nil = none
	Nth   int                      `yaml:"nth"`   // only the nth request that matches, from 1
	From  int                      `yaml:"from"`  // from the nth request that matches on
	Count int                      `yaml:"count"` // at most so many times; 0 = no limit
	Rate  float64                  `yaml:"rate"`  // with this probability; 0 = always
	Seed  uint64                   `yaml:"seed"`  // of the random numbers for Rate and Any
	Fault `yaml:",inline"`
	Any   []Fault `yaml:"any"` // one of these at random, instead of Fault
}
