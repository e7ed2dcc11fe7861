// Package keystone is the sandbox's identity service: the Identity API v3 with domains, projects,
// users, roles, application credentials and tokens that expire.
package keystone

import "time"

// Domain is a domain.
type Domain struct {
	ID, Name string
	Enabled  bool
}

// Project is a project.
type Project struct {
	ID, Name, DomainID, Description string
	Enabled                         bool
}

// User is a user.
type User struct {
	ID, Name, DomainID, DefaultProjectID string
	Enabled                              bool

	password string
}

// AppCred is an application credential.
type AppCred struct {
	ID, Name, Description, UserID, ProjectID string
	Roles                                    []string
	Unrestricted                             bool
	ExpiresAt                                time.Time // zero = never

	secret string
}

// The roles. Each implies those after it.
const (
	RoleAdmin  = "admin"
	RoleMember = "member"
	RoleReader = "reader"
)

var roleOrder = []string{RoleAdmin, RoleMember, RoleReader}

type role struct{ id, name string }

// grant is one role of a user in a project; a domain's id takes the project's place for roles in a domain.
type grant struct{ user, target, role string }

// token is what a token id stands for.
type token struct {
	id      string
	user    string
	scope   scope
	methods []string
	audit   string
	issued  time.Time
	expires time.Time
	appCred *AppCred
}

// scope is what a token is scoped to; at most one field is set.
type scope struct {
	project, domain string
	system          bool
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
