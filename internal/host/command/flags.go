package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// value is one flag of a plugin's command, for pflag.
type value struct {
	flag  *pluginv1.Flag
	texts []string
}

// Set takes one text from the command line, and checks it at once.
func (v *value) Set(text string) error {
	if v.repeats() {
		v.texts = append(v.texts, text)
	} else {
		v.texts = []string{text}
	}
	if v.flag.GetSecret() {
		return nil // it is the name of a file
	}
	_, err := manifest.Parse(v.flag, v.texts)
	return err
}

func (v *value) repeats() bool {
	t := v.flag.GetType()
	return t == pluginv1.FlagType_FLAG_TYPE_STRING_LIST || t == pluginv1.FlagType_FLAG_TYPE_KEY_VALUE
}

// String is the default, for help.
func (v *value) String() string {
	if v.flag == nil { // pflag asks a zero value
		return ""
	}
	return printable.Line(v.flag.GetDefault())
}

var typeNames = map[pluginv1.FlagType]string{
	pluginv1.FlagType_FLAG_TYPE_STRING:      "TEXT",
	pluginv1.FlagType_FLAG_TYPE_INT:         "N",
	pluginv1.FlagType_FLAG_TYPE_FLOAT:       "NUMBER",
	pluginv1.FlagType_FLAG_TYPE_DURATION:    "DURATION",
	pluginv1.FlagType_FLAG_TYPE_BYTES:       "SIZE",
	pluginv1.FlagType_FLAG_TYPE_STRING_LIST: "TEXT,…",
	pluginv1.FlagType_FLAG_TYPE_KEY_VALUE:   "KEY=VALUE",
	pluginv1.FlagType_FLAG_TYPE_FILE:        "FILE",
	pluginv1.FlagType_FLAG_TYPE_TIME:        "TIME",
}

// Type is the value's name in help.
func (v *value) Type() string {
	switch f := v.flag; {
	case f.GetValueName() != "":
		return f.GetValueName()
	case f.GetSecret():
		return "FILE"
	case f.GetType() == pluginv1.FlagType_FLAG_TYPE_ENUM:
		return printable.Line(strings.Join(f.GetValues(), "|"))
	case f.GetType() == pluginv1.FlagType_FLAG_TYPE_BOOL:
		return "bool" // for which pflag shows no value
	}
	return typeNames[v.flag.GetType()]
}

type values struct {
	cmd *cobra.Command
	all []*value
}

func addFlags(c *cobra.Command, spec *pluginv1.Command) *values {
	all := &values{cmd: c}
	for _, f := range spec.GetFlags() {
		v := &value{flag: f}
		all.all = append(all.all, v)
		help := f.GetHelp()
		if f.GetSecret() {
			help += " (a file that holds it; - for standard input)"
		}
		if f.GetEnv() != "" {
			help += " ($" + f.GetEnv() + ")"
		}
		if f.GetRequired() {
			help += " (required)"
		}
		flag := c.Flags().VarPF(v, f.GetName(), f.GetShort(), help)
		if f.GetType() == pluginv1.FlagType_FLAG_TYPE_BOOL {
			flag.NoOptDefVal = "true"
		}
		flag.Hidden = f.GetHidden() || f.GetDeprecated() != ""
	}
	return all
}

// warnOfDeprecated says what to use instead of the command, and of the flags that were given. cobra
// would say so on standard output.
func warnOfDeprecated(c *cobra.Command, spec *pluginv1.Command) {
	warn := func(what, instead string) {
		fmt.Fprintf(c.ErrOrStderr(), "Warning: %s is deprecated: %s\n", what, strings.ReplaceAll(instead, "\n", " "))
	}
	if instead := spec.GetDeprecated(); instead != "" {
		warn(c.CommandPath(), instead)
	}
	for _, f := range spec.GetFlags() {
		if f.GetDeprecated() != "" && c.Flags().Changed(f.GetName()) {
			warn("--"+f.GetName(), f.GetDeprecated())
		}
	}
}

// collect gives the values of all flags: from the command line, from the flag's variable, or the default.
func (v *values) collect() ([]*pluginv1.FlagValue, error) {
	var collected []*pluginv1.FlagValue
	for _, flag := range v.all {
		one, err := flag.value(v.cmd.Flags().Changed(flag.flag.GetName()), v.cmd.InOrStdin())
		if err != nil {
			return collected, fault.Wrap(fault.Usage, "", err)
		}
		collected = append(collected, one)
	}
	return collected, nil
}

func (v *value) value(given bool, stdin io.Reader) (*pluginv1.FlagValue, error) {
	f, texts := v.flag, v.texts
	if name := f.GetEnv(); !given && name != "" {
		if text, ok := os.LookupEnv(name); ok && text != "" {
			texts, given = []string{text}, true
		}
	}
	if !given {
		if f.GetRequired() {
			return nil, fault.New(fault.Usage, "", "--%s is missing: %s", f.GetName(), f.GetHelp())
		}
		return manifest.Default(f)
	}
	if f.GetSecret() {
		text, err := firstLine(texts[len(texts)-1], stdin)
		if err != nil {
			return nil, fault.New(fault.Usage, "", "--%s: %w", f.GetName(), err)
		}
		texts = []string{text}
	}
	return manifest.Parse(f, texts)
}

// secretFiles are the files that hold secrets, by flag.
func (v *values) secretFiles() map[string]string {
	files := map[string]string{}
	for _, one := range v.all {
		if n := len(one.texts); one.flag.GetSecret() && n > 0 {
			files[one.flag.GetName()] = one.texts[n-1]
		}
	}
	return files
}

// firstLine is the first line of a file, - being standard input.
func firstLine(path string, stdin io.Reader) (string, error) {
	from := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		from = f
	}
	text, err := bufio.NewReader(from).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if text = strings.TrimRight(text, "\r\n"); text == "" {
		return "", errors.New("its first line is empty")
	}
	return text, nil
}

// Secrets are the values of secret flags.
func (inv Invocation) Secrets() []string {
	var secrets []string
	for i, f := range inv.Spec.GetFlags() {
		if f.GetSecret() && i < len(inv.Flags) && inv.Flags[i].GetIsSet() {
			secrets = append(secrets, inv.Flags[i].GetStringValue())
		}
	}
	return secrets
}
