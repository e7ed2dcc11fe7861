package render

import (
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// showShell writes assignments that a shell can evaluate. What a shell would expand inside double
// quotes is escaped: a name may come from somebody else's project.
func showShell(w io.Writer, fields []Field, prefix string) error {
	if !shellPrefix.MatchString(prefix) {
		return fault.New(fault.Usage, "use letters, digits and underscores", "%q can't begin a shell variable's name", prefix)
	}
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`", "\x00", "")
	for _, f := range fields {
		b.WriteString(variable(prefix, f.Name) + `="` + escape.Replace(text(f.Value)) + "\"\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var (
	shellPrefix = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)?$`)
	shellName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// safePrefix goes before a name that a shell would take for something else.
const safePrefix = "imgctl_"

// variable turns a field's name into a shell variable's: never one with a meaning to a shell, such as zsh's path,
// which is PATH.
func variable(prefix, field string) string {
	name := prefix + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(field))
	if !shellName.MatchString(name) || slices.Contains(meaningful, name) {
		return safePrefix + name
	}
	return name
}

// meaningful are the names in lower case that a shell acts on or doesn't let anybody assign; nearly all
// of them are zsh's. Names in capitals can't come of a field's.
var meaningful = strings.Fields(`
	_ aliases argv auto_resume builtins cdpath commands compstate dirstack dis_aliases dis_builtins dis_functions
	dis_functions_source dis_galiases dis_patchars dis_reswords dis_saliases epochtime errnos fignore fpath funcfiletrace
	funcsourcetrace funcstack functions functions_source functrace galiases histchars history historywords jobdirs
	jobstates jobtexts keymaps langinfo mailpath manpath mapfile module_path modules nameddirs options parameters patchars
	path pipestatus prompt psvar region_highlight reswords saliases signals status sysparams termcap terminfo userdirs
	usergroups watch widgets zle_bracketed_paste zle_highlight zsh_eval_context zsh_scheduled_events`)
