package decode

import (
	"reflect"
	"slices"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/mitchellh/mapstructure"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// hooks are the SDK's, after ours for durations.
var hooks = slices.Concat([]mapstructure.DecodeHookFunc{duration}, config.DefaultDecodeHookFuncs)

// duration reads what imgctl's flags read, such as 30d. The rest is left to the SDK, and with it the error.
func duration(_, to reflect.Type, value any) (any, error) {
	text, ok := value.(string)
	if !ok || to != reflect.TypeFor[time.Duration]() {
		return value, nil
	}
	if d, err := quantity.ParseDuration(text); err == nil {
		return d, nil
	}
	return value, nil
}
