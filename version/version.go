// Package version holds the version of everything this module builds.
package version

var (
	// Version is the semantic version, without a leading v. A release sets it with -ldflags -X.
	Version = "1.2.0"

	// Prerelease marks what is not a release; Packer accepts only "dev" and "".
	Prerelease = "dev"

	// Metadata is the semantic version's build metadata.
	Metadata = ""
)

// String is the version as people read it, such as 1.2.0 or 1.2.0-dev.
func String() string {
	if Prerelease == "" {
		return Version
	}
	return Version + "-" + Prerelease
}
