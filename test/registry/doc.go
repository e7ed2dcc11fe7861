// Package registry judges the copying of images on a real registry, Debian's docker-registry. It has
// tests only, which are skipped where docker-registry isn't installed.
package registry
