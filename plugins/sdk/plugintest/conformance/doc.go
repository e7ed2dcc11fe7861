// Package conformance is a host for tests: it starts a plugin as imgctl does, runs its commands, and
// checks that the plugin follows the rules of the protocol.
package conformance
