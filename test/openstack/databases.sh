# Makes the databases, or takes them from the cache.
#
# A database is finished when $state/finished exists; anything else is thrown away and begun again.

start_mariadb() {
  [ -d "$state/mysql/mysql" ] || {
    rm -rf "$state/mysql"
    mariadb-install-db --no-defaults --datadir="$state/mysql" --user=root --skip-test-db \
      --auth-root-authentication-method=normal --innodb-file-per-table=0 >>"$state/log/mariadb.log" 2>&1
  }
  # Reached over a socket that only root can open. Every commit goes to the kernel, so a killed server
  # loses nothing; surviving a power cut is not asked for.
  start mariadb mariadbd --no-defaults --datadir="$state/mysql" --socket="$database_socket" \
    --skip-networking --user=root --max-connections=1000 --character-set-server=utf8mb3 \
    --innodb-file-per-table=0 --innodb-flush-log-at-trx-commit=2 --innodb-doublewrite=0 \
    --innodb-log-file-size=48M --innodb-buffer-pool-size=256M --performance-schema=0
}

sql() { mariadb --no-defaults --socket="$database_socket" -uroot "$@"; }

# cache_key changes with whatever the databases are made from.
cache_key() {
  {
    echo "$state"
    package_versions
    cat accounts settings.sh databases.sh seed/*.go
  } | sha256sum | cut -c1-16
}

restore_databases() {
  local from=$cache/databases-$1
  [ -e "$from/finished" ] || return 1
  cp -a --reflink=auto "$from/." "$state/"
}

# keep_databases copies the finished databases into the cache; MariaDB stops for it, and the older ones go.
keep_databases() {
  local to=$cache/databases-$1
  touch "$state/finished"
  kill "$(cut -d' ' -f1 "$state/run/mariadb.pid")"
  while running mariadb; do sleep 0.1; done
  rm -rf "$cache"/databases-*
  mkdir -p "$to.part"
  cp -a "$state"/{mysql,secret,finished} "$to.part/"
  mv "$to.part" "$to"
  start_mariadb
  await 180 mariadb sql -e 'select 1'
}

make_keystone_and_others() {
  local etc=$state/etc
  keystone-manage --config-file "$etc/keystone.conf" db_sync
  glance-manage --config-file "$etc/glance.conf" db_sync
  make_elsewhere
  bootstrap_keystone keystone $keystone_port admin RegionOne
  placement-manage --config-file "$etc/placement.conf" db sync
}

# bootstrap_keystone CONFIGURATION PORT ADMIN REGION makes a Keystone's first account and its endpoint.
bootstrap_keystone() {
  local url=http://127.0.0.1:$2/v3
  keystone-manage --config-file "$state/etc/$1.conf" bootstrap --bootstrap-username "$3" \
    --bootstrap-password "$(<"$secret_file")" --bootstrap-region-id "$4" --bootstrap-public-url "$url" \
    --bootstrap-internal-url "$url" --bootstrap-admin-url "$url"
}

make_cinder() { cinder-manage --config-file "$state/etc/cinder.conf" db sync; }

make_neutron() { neutron-db-manage --config-file "$state/etc/neutron.conf" upgrade heads; }

# make_nova runs nova-manage's commands in children of one process: most of each one's time is Python
# loading Nova.
make_nova() {
  /usr/bin/python3 - "$state/etc/nova.conf" "mysql+pymysql://root@localhost/nova_cell0?unix_socket=$database_socket" <<'PY'
import os, sys
from nova.cmd import manage

config, cell0 = sys.argv[1:]
for command in (
    ["api_db", "sync"],
    ["cell_v2", "map_cell0", "--database_connection", cell0],
    ["cell_v2", "create_cell", "--name", "cell1"],
    ["db", "sync"],
):
    child = os.fork()
    if child == 0:
        sys.argv = ["nova-manage", "--config-file", config, *command]
        sys.exit(manage.main())
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"nova-manage {' '.join(command)} failed")
PY
}

# make_databases creates every service's schema: what is independent at the same time.
make_databases() {
  local name
  for name in "${databases[@]}"; do echo "create database if not exists $name;"; done | sql
  local jobs=() job
  for job in keystone_and_others neutron nova cinder; do
    # Marked as this cloud's, and without the lock: what outlives a killed up is found and ended.
    (
      export IMGCTL_OPENSTACK=$state
      "make_$job"
    ) >>"$state/log/databases.log" 2>&1 9>&- &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do
    wait "$job" || die "making the databases failed; see $state/log/databases.log"
  done
}
