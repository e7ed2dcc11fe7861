package glance

import "time"

// task is an import that runs or ran.
type task struct {
	id, status, message  string
	method, uri          string
	user, request        string
	createdAt, updatedAt time.Time
}
