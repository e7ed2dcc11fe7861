// Package conformance is a host for tests: it starts a plugin as imgctl does, runs its commands, and
// judges whether the plugin keeps the protocol's rules.
package conformance
