#!/usr/bin/env bash
# Builds the packer of a version, from the module proxy, to the given path.
set -euo pipefail
version=$1 to=$2
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
echo "building packer $version; this happens once and takes some minutes" >&2
source=$(GOWORK=off go mod download -json "github.com/hashicorp/packer@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp -r "$source" packer
chmod -R u+w packer # so that go may complete its go.sum
mkdir -p "$(dirname "$to")"
CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=mod" go build -C packer -trimpath -ldflags='-s -w' -o "$to" .
"$to" version >&2
