# Installs Debian's packages without letting them start or change anything by themselves.

# missing_packages prints the packages that are not installed, one a line.
missing_packages() {
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 == "ii" { print $2 }' | sort -u)
}

# package_versions prints what the databases depend on: the version of every service.
package_versions() {
  dpkg-query -W -f '${Package} ${Version}\n' mariadb-server 'python3-keystone' 'python3-glance' \
    'python3-placement' 'python3-nova' 'python3-neutron' 'python3-cinder'
}

# apt waits for another apt's lock, and keeps what it downloads where no other one cleans up.
apt() {
  mkdir -p "$state/apt/partial"
  apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o APT::Sandbox::User=root -o Dir::Cache::archives="$state/apt" "$@"
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
  if [ ! -e $policy ] || grep -q imgctl $policy; then # that one an interrupted run left behind
    own_policy=yes
    printf '#!/bin/sh\n# imgctl takes this away when it has installed its packages.\nexit 101\n' >$policy
    chmod 755 $policy
  fi

  local failed=
  (
    umask 022
    export DEBIAN_FRONTEND=noninteractive
    # What an interrupted installation left; apt touches nothing else before that is done.
    PATH="$stubs:$PATH" dpkg --configure -a --force-confold || true
    apt update || echo "the package lists could not be refreshed; trying with the old ones"
    apt install -y --no-install-recommends --fix-broken \
      -o DPkg::Path="$stubs:$PATH" -o Dpkg::Use-Pty=0 \
      -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confold \
      -o Dpkg::Options::=--path-exclude='/usr/share/doc/*' \
      -o Dpkg::Options::=--path-exclude='/usr/share/man/*' \
      "${missing[@]}"
  ) >"$state/log/packages.log" 2>&1 || failed=yes

  rm -r "$stubs" "$state/apt"
  [ -z "$own_policy" ] || rm $policy
  if [ -n "$failed" ]; then
    tail -n 15 "$state/log/packages.log" >&2
    die "installing packages failed; the whole log is $state/log/packages.log"
  fi
}
