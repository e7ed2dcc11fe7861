package clouds

import (
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Words are how imgctl's user chooses a cloud and signs in: with global flags, or OpenStack's variables if
// there is no flag.
var Words fault.Speller = words{}

type words struct{}

var given = map[string]string{
	"cloud":                         "--os-cloud",
	"identity_endpoint":             "--os-auth-url",
	"username":                      "--os-username",
	"user_id":                       "OS_USER_ID",
	"password":                      "OS_PASSWORD",
	"tenant_name":                   "--os-project-name",
	"tenant_id":                     "--os-project-id",
	"domain_name":                   "OS_USER_DOMAIN_NAME",
	"domain_id":                     "OS_USER_DOMAIN_ID",
	"token":                         "OS_TOKEN",
	"application_credential_id":     "OS_APPLICATION_CREDENTIAL_ID",
	"application_credential_name":   "OS_APPLICATION_CREDENTIAL_NAME",
	"application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET",
	"region":                        "--os-region-name",
	"endpoint_type":                 "--os-interface",
	"cacert":                        "--os-cacert",
	"cert":                          "--os-cert",
	"key":                           "--os-key",
}

func (words) Option(name string) string {
	if flag, ok := given[name]; ok {
		return flag
	}
	return "--" + strings.ReplaceAll(name, "_", "-")
}

func (w words) Setting(name string, value any) string {
	if value == true {
		return w.Option(name)
	}
	return fmt.Sprintf("%s %v", w.Option(name), value)
}

func (words) Action(a fault.Action) string { return "`imgctl " + a.Words() + "`" }
