package dockerfile

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// NeedsRun says why the Dockerfile can't be carried out by changing files and configuration alone, ""
// if it can.
func (f *File) NeedsRun() string {
	if len(f.stages) > 1 {
		return fmt.Sprintf("line %d: it has several stages", line(f.stages[1].Location))
	}
	if f.last().Platform != "" {
		return fmt.Sprintf("line %d: FROM names a platform", line(f.last().Location))
	}
	for _, c := range f.last().Commands {
		if why := needsRun(c); why != "" {
			return fmt.Sprintf("line %d: %s", line(c.Location()), why)
		}
	}
	return ""
}

func needsRun(c instructions.Command) string {
	switch c := c.(type) {
	case *instructions.CopyCommand:
		switch {
		case c.From != "":
			return "COPY from another stage or image"
		case c.Parents:
			return "COPY with parent folders"
		}
		return notFiles("COPY", c.SourcesAndDest, c.ExcludePatterns, c.Chmod)
	case *instructions.AddCommand:
		if c.Checksum != "" || c.KeepGitDir != nil || c.Unpack != nil {
			return "ADD with the flags of a download"
		}
		for _, path := range c.SourcePaths {
			if strings.Contains(path, "://") || strings.HasPrefix(path, "git@") {
				return "ADD of " + path
			}
		}
		return notFiles("ADD", c.SourcesAndDest, c.ExcludePatterns, c.Chmod)
	case *instructions.EnvCommand, *instructions.LabelCommand, *instructions.UserCommand, *instructions.WorkdirCommand,
		*instructions.CmdCommand, *instructions.EntrypointCommand, *instructions.ExposeCommand, *instructions.VolumeCommand,
		*instructions.StopSignalCommand, *instructions.MaintainerCommand, *instructions.ArgCommand:
		return ""
	}
	return strings.ToUpper(c.Name())
}

func notFiles(what string, s instructions.SourcesAndDest, excludes []string, mode string) string {
	switch {
	case len(s.SourceContents) > 0:
		return what + " of text in the Dockerfile"
	case len(excludes) > 0:
		return what + " with exclusions"
	case mode != "" && strings.Trim(mode, "01234567") != "":
		return what + " with the mode " + mode
	}
	return ""
}
