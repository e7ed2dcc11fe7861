# A second region with a Keystone and a Glance of its own: other projects, other ids, and small limits.
# It shares nothing with the first but MariaDB's process.

# as_elsewhere COMMAND... runs the command with the second region's ports, databases and folders.
as_elsewhere() {
  local at=_elsewhere keystone_port=$keystone_elsewhere_port glance_port=$glance_elsewhere_port
  "$@"
}

configure_elsewhere() {
  local keystone=$state/etc/keystone_elsewhere.conf glance=$state/etc/glance_elsewhere.conf
  mkdir -p "$state"/{keys_elsewhere/{fernet,credential},glance_elsewhere/{file,second,staging,tasks}}
  as_elsewhere render etc/shared.conf etc/keystone.conf >"$keystone"
  as_elsewhere render etc/shared.conf etc/glance.conf etc/elsewhere.conf >"$glance"
  make_fernet_keys "$state/keys_elsewhere/fernet"
}

# make_elsewhere copies the schemas, which are made by then: that takes a tenth of the time.
make_elsewhere() {
  local name
  for name in keystone glance; do
    mariadb-dump --no-defaults --socket="$database_socket" -uroot $name | sql ${name}_elsewhere
  done
  bootstrap_keystone keystone_elsewhere $keystone_elsewhere_port elsewhere-admin Elsewhere
}

start_keystone_elsewhere() {
  wsgi keystone-elsewhere $keystone_elsewhere_port /usr/bin/keystone-wsgi-public OS_KEYSTONE_CONFIG_FILES="$state/etc/keystone_elsewhere.conf"
}

# start_glance_elsewhere says which endpoint Glance is: its limits are filed under that.
start_glance_elsewhere() {
  local endpoint
  endpoint=$(sql -N keystone_elsewhere -e "select e.id from endpoint e join service s on s.id = e.service_id
    where s.type = 'image' and e.interface = 'public'")
  start glance-elsewhere OS_OSLO_LIMIT__ENDPOINT_ID="$endpoint" glance-api --config-file "$state/etc/glance_elsewhere.conf"
}
