// Package archtest holds the shape of the module: which package may import which, how packages
// are named and how long a file may be. It has tests only.
package archtest
