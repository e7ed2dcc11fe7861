# Installs the RPMs that are given, whatever versions the image has.
set -eu
cd /
rpm --replacepkgs --replacefiles --oldpackage -Uvh /run/imgctl-modify/rpms/*.rpm
