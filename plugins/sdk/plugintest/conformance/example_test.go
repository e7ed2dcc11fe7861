package conformance

import (
	"strings"
	"testing"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

func TestExamplesAreRead(t *testing.T) {
	t.Parallel()
	c := &pluginv1.Command{
		Path: []string{"share", "add"},
		Args: []*pluginv1.Arg{{Name: "IMAGE", Min: 1}},
		Flags: []*pluginv1.Flag{
			{Name: "to", Type: pluginv1.FlagType_FLAG_TYPE_STRING_LIST},
			{Name: "all", Short: "a", Type: pluginv1.FlagType_FLAG_TYPE_BOOL},
			{Name: "expires", Short: "e", Type: pluginv1.FlagType_FLAG_TYPE_DURATION},
		},
	}
	for line, want := range map[string]string{
		`imgctl share add web --to a,b`:                             "web|[a b]|false|0s",
		`imgctl --os-cloud ci -vv share add "web 24.04" db -a -f=x`: "web 24.04 db|[]|true|0s",
		`imgctl share add web -e 7d --dry-run --all=false -c Name`:  "web|[]|false|168h0m0s",
		`imgctl share add --to a -- -web`:                           "-web|[a]|false|0s",
		`imgctl share add --to a`:                                   "",
		`imgctl share remove web`:                                   "",
		`imgctl share add web --unknown x`:                          "",
		`imgctl share add web --to`:                                 "",
		`imgctl share add web | jq`:                                 "",
		`imgctl share add "web`:                                     "",
		`openstack image list`:                                      "",
	} {
		c.Examples = []*pluginv1.Example{{Command: line}}
		args, flags, ok := fromExample(c)
		if !ok {
			if want != "" {
				t.Errorf("%s wasn't read", line)
			}
			continue
		}
		got := strings.Join([]string{
			strings.Join(args, " "), "[" + strings.Join(flags[0].GetStringsValue().GetValues(), " ") + "]",
			map[bool]string{true: "true", false: "false"}[flags[1].GetBoolValue()], flags[2].GetDurationValue().AsDuration().String(),
		}, "|")
		if got != want {
			t.Errorf("%s is read as %s, want %q", line, got, want)
		}
	}
}
