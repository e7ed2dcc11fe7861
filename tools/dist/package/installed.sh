#!/bin/sh
# After installing and upgrading: the user of the units. They stay disabled until somebody enables them.
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers imgctl.conf
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
