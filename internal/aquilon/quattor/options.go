// Package quattor gives a machine its Aquilon personality: it waits until Aquilon knows the
// machine, writes the configuration of Quattor's CCM, fetches the profile and configures the machine.
// Every wait has a timeout, and every failure is reported as an error.
package quattor

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// What is waited for before the profile is fetched.
const (
	// WaitDNS waits until the machine's address has a name.
	WaitDNS = "dns"
	// WaitMetadata waits until Aquilon's hook says in the server's metadata that it is done.
	WaitMetadata = "metadata"
	// WaitNone waits for nothing.
	WaitNone = "none"
)

// Waits are all of them, the default first.
var Waits = []string{WaitDNS, WaitMetadata, WaitNone}

// Options say how a machine becomes what its profile says. Zero values are replaced by
// WithDefaults.
type Options struct {
	// ProfileURL is a template of Machine's fields.
	ProfileURL string
	// Hostname is the machine's name, "" to find it out.
	Hostname string
	// WaitFor is one of Waits.
	WaitFor string
	// DNSTimeout and MetadataTimeout bound the waits.
	DNSTimeout, MetadataTimeout time.Duration
	// CCM are settings of the CCM besides the profile, by their keys.
	CCM map[string]string
	// ConfFile is the CCM's configuration file.
	ConfFile string
	// FetchCommand is run every FetchInterval until it succeeds, for FetchTimeout at most.
	FetchCommand                []string
	FetchTimeout, FetchInterval time.Duration
	// ConfigureCommand is run once, and ConfigureRetries times more if it fails; all together take
	// ConfigureTimeout at most.
	ConfigureCommand []string
	ConfigureRetries int
	ConfigureTimeout time.Duration
	// TolerateErrors goes on after a configure that failed.
	TolerateErrors bool
	// FinalizeCommand is run at the end, "" for none.
	FinalizeCommand []string
	FinalizeTimeout time.Duration
	// RestoreConf puts the configuration file back as it was.
	RestoreConf bool
	// Remove are paths, with shell patterns, to delete at the end.
	Remove []string
	// Sudo runs everything as root by sudo.
	Sudo bool
}

// Facts are the fields of ProfileURL's template.
type Facts struct {
	// Hostname is the machine's full name.
	Hostname string
	// Address is where the builder reaches the machine.
	Address string
	// ServerID is the server's id in Nova.
	ServerID string
}

// ccmDefaults are the CCM's default settings.
var ccmDefaults = map[string]string{
	"retrieve_retries": "3", "retrieve_wait": "30", "get_timeout": "30", "lock_retries": "3", "lock_wait": "30",
	"world_readable": "0", "force": "0", "cache_root": "/var/lib/ccm", "debug": "0",
}

// WithDefaults fills in what isn't set.
func (o Options) WithDefaults() Options {
	text := func(value *string, preset string) {
		if *value == "" {
			*value = preset
		}
	}
	command := func(value *[]string, preset ...string) {
		if len(*value) == 0 {
			*value = preset
		}
	}
	patience := func(value *time.Duration, preset time.Duration) {
		if *value == 0 {
			*value = preset
		}
	}
	text(&o.WaitFor, WaitDNS)
	text(&o.ConfFile, "/etc/ccm.conf")
	command(&o.FetchCommand, "quattor", "fetch")
	command(&o.ConfigureCommand, "quattor", "configure", "--all")
	patience(&o.DNSTimeout, 5*time.Minute)
	patience(&o.MetadataTimeout, 10*time.Minute)
	patience(&o.FetchTimeout, 10*time.Minute)
	patience(&o.FetchInterval, 10*time.Second)
	patience(&o.ConfigureTimeout, time.Hour)
	patience(&o.FinalizeTimeout, 10*time.Minute)
	ccm := maps.Clone(ccmDefaults)
	maps.Copy(ccm, o.CCM)
	o.CCM = ccm
	return o
}

var ccmKey = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Validate checks the options offline. A value of unknown stands for one that isn't known yet.
func (o Options) Validate(unknown string) []error {
	var errs []error
	bad := func(option, hint, format string, args ...any) {
		errs = append(errs, fault.Bad(option, hint, format, args...))
	}
	if o.ProfileURL == "" {
		bad("profile_url", "give the URL of the machine's profile, such as http://aquilon.example.com/profiles/{{ .Hostname }}.json",
			"it is missing")
	} else if _, err := o.profile(Facts{}); err != nil {
		bad("profile_url", "", "%w", err)
	}
	if o.WaitFor != unknown && !slices.Contains(Waits, o.WaitFor) {
		bad("wait_for", "use "+strings.Join(Waits, ", "), "%q is unknown", o.WaitFor)
	}
	if o.WaitFor == WaitNone && o.Hostname == "" && o.wantsHostname() {
		bad("profile_url", `set hostname, or another wait_for`, "it uses {{ .Hostname }}, but the machine's name isn't known")
	}
	for _, key := range slices.Sorted(maps.Keys(o.CCM)) {
		switch {
		case key == "profile":
			bad("ccm", "use profile_url", "the profile is set by another option")
		case !ccmKey.MatchString(key):
			bad("ccm", "see ccm.conf(5)", "%q is not a key of ccm.conf", key)
		case strings.ContainsAny(o.CCM[key], "\r\n"):
			bad("ccm", "use one line", "the value of %s has a line break", key)
		}
	}
	if strings.ContainsAny(o.Hostname, " /\r\n") {
		bad("hostname", "", "%q is none", o.Hostname)
	}
	if o.ConfFile != unknown && !strings.HasPrefix(o.ConfFile, "/") {
		bad("conf_file", "", "%q is not an absolute path", o.ConfFile)
	}
	if o.ConfigureRetries < 0 {
		bad("configure_retries", "use 0 or more", "%d is negative", o.ConfigureRetries)
	}
	for name, d := range map[string]time.Duration{
		"dns_timeout": o.DNSTimeout, "metadata_timeout": o.MetadataTimeout, "fetch_timeout": o.FetchTimeout,
		"fetch_interval": o.FetchInterval, "configure_timeout": o.ConfigureTimeout, "finalize_timeout": o.FinalizeTimeout,
	} {
		if d < 0 {
			bad(name, "", "%s is negative", d)
		}
	}
	for _, p := range o.Remove {
		above := slices.Contains(strings.Split(p, "/"), "..")
		if p != unknown && (!strings.HasPrefix(p, "/") || above || strings.Trim(p, "/*?.") == "") {
			bad("remove", "give the absolute path of a file or folder", "%q is not allowed", p)
		}
	}
	return errs
}

func (o Options) wantsHostname() bool {
	const mark = "mark.invalid"
	url, err := o.profile(Facts{Hostname: mark})
	return err == nil && strings.Contains(url, mark)
}

// profile is the URL of the machine's profile.
func (o Options) profile(m Facts) (string, error) {
	t, err := template.New("profile_url").Option("missingkey=error").Parse(o.ProfileURL)
	if err != nil {
		return "", fmt.Errorf("reading the template %q: %w", o.ProfileURL, err)
	}
	var b strings.Builder
	if err := t.Execute(&b, m); err != nil {
		return "", fmt.Errorf("filling in the template %q: %w", o.ProfileURL, err)
	}
	u, err := url.Parse(b.String())
	switch {
	case strings.ContainsAny(b.String(), " \r\n"):
		return "", fmt.Errorf("%q contains white space", b.String())
	case err != nil:
		return "", fmt.Errorf("%q is not a URL", b.String())
	case u.User != nil:
		return "", fmt.Errorf("it contains a user name, and everybody can read %s", o.ConfFile)
	}
	return b.String(), nil
}

// conf is the text of ccm.conf.
func (o Options) conf(profile string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "profile %s\n", profile)
	for _, key := range slices.Sorted(maps.Keys(o.CCM)) {
		fmt.Fprintf(&b, "%s %s\n", key, o.CCM[key])
	}
	return b.String()
}
