// Package archtest enforces the structure of the module: which package may import which, how packages
// are named and how long a file may be. It has only tests.
package archtest
