package nova

import (
	"errors"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

var errDeaf = errors.New("the guest didn't heed the power button")

var errNoHost = errors.New("No valid host was found. There are not enough hosts available.") //nolint:staticcheck,revive // Nova's words

func tooLong(name, value string) error {
	return invalid("Invalid input for field/attribute %s. Value: %s. '%s' is too long", name, value, value)
}

// refuse answers with an error. Nova names the character set of those, and knows no name for 406.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	answer.Nova(typed{w}, r, status, message)
}

// typed names the character set of JSON.
type typed struct{ http.ResponseWriter }

func (t typed) WriteHeader(status int) {
	t.Header().Set("Content-Type", "application/json; charset=UTF-8")
	t.ResponseWriter.WriteHeader(status)
}

// errBody is what Nova says of a body that is no JSON.
var errBody = invalid("Malformed request body")

func invalid(format string, a ...any) error { return answer.Fail(http.StatusBadRequest, format, a...) }

// unexpected is what Nova's schema says of a member that the microversion doesn't know.
func unexpected(name string) error {
	return invalid("Additional properties are not allowed ('%s' was unexpected)", name)
}
