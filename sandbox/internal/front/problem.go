package front

import (
	"errors"
	"fmt"
	"net/http"
)

// Problem is an error that has an HTTP status.
type Problem struct {
	Status  int
	Kind    string // Neutron's exception type, such as "NetworkNotFound"; "" = the status's usual one
	Message string
}

func (p *Problem) Error() string { return p.Message }

// Fail returns a Problem.
func Fail(status int, format string, args ...any) error {
	return &Problem{Status: status, Message: fmt.Sprintf(format, args...)}
}

// FailKind returns a Problem with an exception type.
func FailKind(status int, kind, format string, args ...any) error {
	return &Problem{Status: status, Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Handler serves with h and answers its error in a service's style; an error that is no Problem is a 500.
func Handler(fail ErrorWriter, h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		var p *Problem
		switch {
		case err == nil:
		case errors.As(err, &p):
			fail(w, r, p.Status, p.Message)
		default:
			fail(w, r, http.StatusInternalServerError, err.Error())
		}
	})
}
