# Installs the Python projects that are given, from their sources.
set -eu
given=/run/imgctl-modify
mkdir -p "$given/build"
python=$(command -v python3 || command -v python) || { echo "the image has no Python" >&2; exit 1; }
export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 HOME="$given/build"
set --
if [ -d "$given/wheels" ]; then set -- --no-index --find-links "$given/wheels"; fi
while read -r name version; do
  # The sources are given for reading only, and a build writes into its folder.
  cp -R "$given/sources/$name" "$given/build/$name"
  unset PBR_VERSION
  if [ "$version" != - ]; then export PBR_VERSION="$version"; fi
  "$python" -m pip install --no-cache-dir --no-build-isolation "$@" "$given/build/$name"
  echo "imgctl: installed $name"
done <"$given/sources/versions"
