package bridge

import (
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// Suggest suggests those of the words that begin with what was typed, each once.
func Suggest(words []string, typed string) (found []sdk.Suggestion) {
	for _, word := range words {
		one := sdk.Suggestion{Value: word}
		if strings.HasPrefix(word, typed) && !slices.Contains(found, one) {
			found = append(found, one)
		}
	}
	return found
}
