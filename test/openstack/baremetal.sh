# Ironic, which is started unless SERVICES says otherwise.

configure_baremetal() {
  mkdir -p "$state"/ironic/{http,tftp/master,images/master}
  render etc/shared.conf etc/ironic.conf >"$state/etc/ironic.conf"
}

# make_baremetal makes the database anew unless its nodes were enrolled to the end.
make_baremetal() {
  echo 'drop database if exists ironic; create database ironic' | sql
  IMGCTL_OPENSTACK=$state ironic-dbsync --config-file "$state/etc/ironic.conf" create_schema >>"$state/log/databases.log" 2>&1 9>&-
}

start_baremetal() {
  start ironic-files python3 -m http.server --bind 127.0.0.1 --directory "$state/ironic/http" $ironic_files_port
  start ironic ironic --config-file "$state/etc/ironic.conf"
}

baremetal_up() {
  configure_baremetal
  [ -e "$state/finished-baremetal" ] || make_baremetal
  start_baremetal
  await 180 ironic answers $ironic_port
  [ -e "$state/finished-baremetal" ] || seed baremetal
  touch "$state/finished-baremetal"
}
