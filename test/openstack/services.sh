# How each service is started.

# wsgi NAME PORT FILE [VARIABLE=VALUE...] serves an OpenStack API that has no server of its own.
# Connections are closed after each answer: uwsgi closes idle ones without a word, and a client that
# takes such a connection from its pool gets a reset.
wsgi() {
  local name=$1 port=$2 file=$3
  shift 3
  start "$name" "$@" uwsgi --plugin python3 --http-socket "127.0.0.1:$port" --wsgi-file "$file" \
    --master --lazy-apps --die-on-term --enable-threads --processes 2 --threads 4 --need-app \
    --buffer-size 65535 --disable-logging --add-header 'Connection: close'
}

start_rabbitmq() {
  running rabbitmq || rm -rf "$state/rabbit" # queues are made anew by whoever uses them
  mkdir -p "$state/rabbit"
  start rabbitmq RABBITMQ_NODENAME=imgctl@localhost RABBITMQ_MNESIA_BASE="$state/rabbit" \
    RABBITMQ_LOGS=- RABBITMQ_LOG_BASE="$state/log" RABBITMQ_CONFIG_FILE="$state/etc/rabbitmq.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$state/etc/rabbitmq-plugins" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +sbwt none' \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

start_keystone() {
  wsgi keystone $keystone_port /usr/bin/keystone-wsgi-public OS_KEYSTONE_CONFIG_FILES="$state/etc/keystone.conf"
}

start_glance() { start glance glance-api --config-file "$state/etc/glance.conf"; }

start_placement() {
  wsgi placement $placement_port /usr/bin/placement-api OS_PLACEMENT_CONFIG_DIR="$state/etc"
}

start_registry() { start registry docker-registry serve "$state/etc/registry.yml"; }

start_neutron() { start neutron "$PWD/neutron-server" --config-file "$state/etc/neutron.conf"; }

start_nova() {
  start nova-api nova-api --config-file "$state/etc/nova.conf"
  start nova-conductor nova-conductor --config-file "$state/etc/nova.conf"
  start nova-scheduler nova-scheduler --config-file "$state/etc/nova.conf"
}

# libvirtd runs in a mount namespace of its own, in which its configuration, its definitions and its
# sockets are this cloud's: the machine's own are neither read nor written.
start_libvirt() {
  local own=$state/libvirt
  mkdir -p /etc/libvirt /var/lib/libvirt /run/libvirt /var/cache/libvirt
  start libvirt unshare --mount bash -ec "
    mount --bind $own/etc /etc/libvirt
    mount --bind $own/lib /var/lib/libvirt
    mount --bind $own/cache /var/cache/libvirt
    mount --bind $own/run /run/libvirt
    exec libvirtd --pid-file $own/libvirtd.pid"
}

start_compute() {
  start nova-compute PATH="$state/shims:$PATH" nova-compute --config-file "$state/etc/nova.conf"
  local agent program
  for agent in "${neutron_agents[@]}"; do
    program=neutron-$agent-agent
    [ ! -e "$program" ] || program=$PWD/$program # ours in place of Debian's
    start neutron-$agent "$program" --config-file "$state/etc/neutron.conf"
  done
}

listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# hypervisor_up and agents_up ask the databases, which takes no token and no second of CPU time: did
# they report since this moment? Without a moment, within the time in which they do.
hypervisor_up() {
  [ "$(sql -N nova -e "select count(*) from compute_nodes c join nova_api.host_mappings h on h.host = c.host
    join services s on s.host = c.host and s.binary = 'nova-compute'
    where c.deleted = 0 and s.last_seen_up >= ${1:-utc_timestamp() - interval 45 second}")" = 1 ]
}

agents_up() {
  [ "$(sql -N neutron -e "select count(*) from agents
    where heartbeat_timestamp >= ${1:-utc_timestamp() - interval 75 second}")" = ${#neutron_agents[@]} ]
}
