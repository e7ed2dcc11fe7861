# Installs the packages that are its arguments.
set -eu
cd /
yum=$(command -v dnf || command -v yum) || { echo "the image has neither dnf nor yum" >&2; exit 1; }
"$yum" -y install "$@"
"$yum" clean all || true
