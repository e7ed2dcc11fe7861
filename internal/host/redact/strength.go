package redact

import "unicode"

// strength says how likely it is that a text which equals the secret is the secret.
type strength int

const (
	weak   strength = iota // an ordinary word, a number
	fair                   // could be a name, if an unusual one
	strong                 // a token or a passphrase
)

// strengthOf goes by length and by the kinds of characters. Dashes, dots and underscores don't count:
// names are full of them.
func strengthOf(secret string) strength {
	var lower, upper, digit, other int
	for _, r := range secret {
		switch {
		case unicode.IsDigit(r):
			digit = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsLetter(r):
			lower = 1
		case r != '-' && r != '_' && r != '.':
			other = 1
		}
	}
	kinds := lower + upper + digit + other
	switch n := len([]rune(secret)); {
	case n >= 24, n >= 12 && kinds >= 3, n >= 16 && kinds >= 2:
		return strong
	case n >= 8 && kinds >= 2, n >= 12:
		return fair
	}
	return weak
}
