// Package version holds the version of everything this module builds.
package version

var (
	// Version is the semantic version, without a leading v. A release sets it with -ldflags -X.
	Version = "0.1.0"

	// Prerelease marks what is not a release; Packer accepts only "dev" and "".
	Prerelease = "dev"

	// Metadata is the semantic version's build metadata.
	Metadata = ""
)
