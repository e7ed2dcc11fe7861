#!/usr/bin/env bash
# Lays out the reference of Packer's components as HashiCorp's registry of integrations reads it: a page
# per component, and an overview. The registry is told of the components by .web-docs/metadata.hcl.
set -euo pipefail
cd "$(dirname "$0")/.."
from=docs/reference/packer
to=.web-docs
repository=https://github.com/imgctl/packer-plugin-openstack
registry=/packer/integrations/imgctl/openstack/latest/components

type_of() { # as the registry calls it
  case $1 in datasource-*) echo data-source ;; *) sed 's/-[a-z]*$//' <<<"$1" ;; esac
}
slug_of() { # as templates call it
  case $1 in builder-openstack) echo openstack ;; *) echo "openstack-${1##*-}" ;; esac
}
heading_of() {
  case $1 in builder) echo Builders ;; data-source) echo "Data sources" ;; post-processor) echo Post-processors ;; *) echo Provisioners ;; esac
}

links=() # other components are pages of the registry, the rest is in the repository
for page in "$from"/*.md; do
  name=$(basename "$page" .md)
  links+=(-e "s|]($name\.md|]($registry/$(type_of "$name")/$(slug_of "$name")|g")
done
links+=(-e "s|](\.\./\.\./|]($repository/blob/main/docs/|g" -e 's/^```hcl .*/```hcl/')

rm -rf "$to/components"
overview='Builds images in OpenStack clouds, finds them, and replaces images that are in use without any project losing access.

### Installation

Copy this into your template, then run [`packer init`](https://developer.hashicorp.com/packer/docs/commands/init).

```hcl
packer {
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}
```

### Components
' heading=
for page in "$from"/*.md; do
  name=$(basename "$page" .md) type=$(type_of "$(basename "$page" .md)")
  slug=$(slug_of "$name")
  mkdir -p "$to/components/$type/$slug"
  sed "${links[@]}" "$page" >"$to/components/$type/$slug/README.md"
  if [[ $heading != $(heading_of "$type") ]]; then
    heading=$(heading_of "$type")
    overview+=$'\n'"#### $heading"$'\n\n'
  fi
  first=$(sed "${links[@]}" "$page" | awk -v RS= -v ORS= 'NR == 2 { gsub("\n", "\n  "); print }')
  overview+="- [$slug]($registry/$type/$slug) - $first"$'\n'
done
printf %s "$overview" >"$to/README.md"
