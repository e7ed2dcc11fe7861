// Package watch finds Aquilon profiles that have changed, and asks for builds of their images. Nothing is lost on
// the way: what has changed is forgotten only when the queue has it.
package watch
