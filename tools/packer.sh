#!/usr/bin/env bash
# Builds the pinned packer to the given path, unless that is done or PATH has 1.11 or newer.
set -euo pipefail
to=$1
cd "$(dirname "$0")"

recent() { # a packer that knows `plugins install --path` and pre-released plugins
  local version
  version=$("$1" version 2>/dev/null | sed -n 's/^Packer v\([0-9.]*\).*/\1/p')
  [[ -n $version && $(printf '1.11.0\n%s\n' "$version" | sort -V | head -1) == 1.11.0 ]]
}

for packer in $(type -ap packer) "$to"; do
  if recent "$packer"; then exit 0; fi
done
echo "building packer; this happens once and takes some minutes" >&2
CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$to" github.com/hashicorp/packer
