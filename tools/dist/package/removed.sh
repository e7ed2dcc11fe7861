#!/bin/sh
# After removing: what imgctl remembered about its plugins. The configuration in /etc/imgctl stays.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
case "$1" in
purge | 0) rm -rf /var/cache/imgctl ;;
esac
