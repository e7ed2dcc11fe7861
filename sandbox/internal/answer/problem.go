package answer

import "fmt"

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
