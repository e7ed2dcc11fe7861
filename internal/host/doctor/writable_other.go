//go:build !unix

package doctor

// writable can't be told without writing here.
func writable(string) error { return nil }
