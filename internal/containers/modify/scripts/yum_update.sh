# Updates packages. $1 names repositories: then only installed packages are updated of which they have
# another version. Without, it is all packages.
set -eu
cd /
repos=${1:-}
given=/run/imgctl-modify/given
rpms=/run/imgctl-modify/rpms
work=/run/imgctl-modify/scratch
mkdir -p "$work"
yum=$(command -v dnf || command -v yum) || { echo "the image has neither dnf nor yum" >&2; exit 1; }
for tool in rpm sort comm cut; do
  command -v "$tool" >/dev/null || { echo "the image has no $tool" >&2; exit 1; }
done

# Names and versions, one a line, sorted.
installed() {
  rpm -qa --qf "$1" >"$work/all"
  sort -u "$work/all"
}

# Names in the first that the second has as well, in another version.
differ() {
  cut -d' ' -f1 "$1" | sort -u >"$work/names"
  sort -u "$2" | comm -13 "$1" - | cut -d' ' -f1 | sort -u | comm -12 "$work/names" -
}

if [ -f "$given/host-packages" ]; then
  installed '%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n' >"$work/installed"
  if [ -z "$(differ "$work/installed" "$given/host-packages")" ]; then
    echo "imgctl: no package differs from this machine's, so nothing is updated"
    exit 0
  fi
fi

if [ -d "$rpms" ]; then
  set --
  for file in "$rpms"/*.rpm; do
    name=$(rpm -qp --nosignature --qf '%{NAME}' "$file")
    if rpm -q "$name" >/dev/null; then set -- "$@" "$file"; fi
  done
elif [ -n "$repos" ]; then
  installed '%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}\n' >"$work/installed"
  query="$yum -q repoquery"
  case $yum in *yum) query="repoquery -q" ;; esac
  $query --disablerepo='*' --enablerepo="$repos" -a --qf '%{name}.%{arch} %{epoch}:%{version}-%{release}' >"$work/available"
  # shellcheck disable=SC2046 # names of packages have no spaces
  set -- $(differ "$work/installed" "$work/available")
else
  "$yum" -y update
  exit
fi
if [ $# = 0 ]; then
  echo "imgctl: no packages were found to update"
  exit 0
fi
echo "imgctl: $# packages to update"
"$yum" -y update "$@"
