# Installs the RPMs that are given, by rpm with the options that are given.
set -eu
cd /
rpm "$@" -Uvh /run/imgctl-modify/rpms/*.rpm
