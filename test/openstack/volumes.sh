# Volumes are files of one folder, by Cinder's NFS driver without an NFS: this needs neither a device
# mapper nor a kernel with a network file system.
#
# Cinder and Nova mount a share below a folder of theirs, under a name made from the share's. There stands
# a link to the volumes' folder, and what they call to mount does nothing.

volume_share=127.0.0.1:/volumes

make_volume_folders() {
  local name base
  name=$(printf %s "$volume_share" | md5sum | cut -d' ' -f1)
  mkdir -p "$state"/volumes "$state"/{cinder,nova}/mnt "$state/shims"
  echo "$volume_share" >"$state/etc/cinder-shares"
  for base in cinder nova; do ln -sfn "$state/volumes" "$state/$base/mnt/$name"; done
  for name in mount mount.nfs; do ln -sfn /bin/true "$state/shims/$name"; done
  # Cinder calls its commands by sudo and a filter; it is root already.
  printf '#!/bin/sh\n[ "$1" != cinder-rootwrap ] || shift 2\nexec "$@"\n' >"$state/shims/sudo"
  chmod +x "$state/shims/sudo"
}

start_cinder() {
  start cinder-api cinder-api --config-file "$state/etc/cinder.conf"
}

start_volumes() {
  start cinder-scheduler cinder-scheduler --config-file "$state/etc/cinder.conf"
  start cinder-volume PATH="$state/shims:$PATH" cinder-volume --config-file "$state/etc/cinder.conf"
}

# volumes_up asks the database, as hypervisor_up does.
volumes_up() {
  [ "$(sql -N cinder -e "select count(*) from services where deleted = 0
    and topic in ('cinder-volume', 'cinder-scheduler') and updated_at >= ${1:-utc_timestamp() - interval 45 second}")" = 2 ]
}
