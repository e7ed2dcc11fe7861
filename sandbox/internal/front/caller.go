package front

import (
	"context"
	"net/http"
	"slices"
)

// Caller is who a token speaks for: a user, and the project the token is scoped to (if any).
type Caller struct {
	UserID, UserName       string
	UserDomainID           string
	ProjectID, ProjectName string   // empty for an unscoped token
	DomainID               string   // of the project
	Roles                  []string // admin implies member implies reader, already spelled out
}

// Is reports whether the caller has a role in its project.
func (c Caller) Is(role string) bool { return slices.Contains(c.Roles, role) }

type callerKey struct{}

// CallerOf returns the caller of a request that the front let through; the zero Caller otherwise.
func CallerOf(r *http.Request) Caller {
	c, _ := r.Context().Value(callerKey{}).(Caller)
	return c
}

// WithCaller returns a context that carries a caller, for services that call each other.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}
