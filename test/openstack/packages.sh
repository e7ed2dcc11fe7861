# Installs Debian's packages without letting them start or change anything by themselves.

# missing_packages prints the packages that are not installed, one a line.
missing_packages() {
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 == "ii" { print $2 }' | sort -u)
}

# package_versions prints what the databases depend on: the version of every service.
package_versions() {
  dpkg-query -W -f '${Package} ${Version}\n' mariadb-server 'python3-keystone' 'python3-glance' \
    'python3-placement' 'python3-nova' 'python3-neutron'
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0

  # Python compiles a module when it is first imported, so compiling thousands that nobody imports is
  # left out: dpkg finds a py3compile that does nothing first. policy-rc.d keeps services from starting.
  local stubs policy=/usr/sbin/policy-rc.d
  stubs=$(mktemp -d)
  ln -s /bin/true "$stubs/py3compile"
  ln -s /bin/true "$stubs/pycompile"
  local own_policy=
  if [ ! -e $policy ]; then
    own_policy=yes
    install -m 755 <(printf '#!/bin/sh\nexit 101\n') $policy
  fi

  local failed=
  (
    umask 022
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update || echo "the package lists could not be refreshed; trying with the old ones"
    apt-get -qq install -y --no-install-recommends \
      -o DPkg::Path="$stubs:$PATH" -o Dpkg::Use-Pty=0 \
      -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confold \
      -o Dpkg::Options::=--path-exclude='/usr/share/doc/*' \
      -o Dpkg::Options::=--path-exclude='/usr/share/man/*' \
      "${missing[@]}"
  ) >"$state/log/packages.log" 2>&1 || failed=yes

  rm -r "$stubs"
  [ -z "$own_policy" ] || rm $policy
  if [ -n "$failed" ]; then
    tail -n 15 "$state/log/packages.log" >&2
    die "installing packages failed; the whole log is $state/log/packages.log"
  fi
}
