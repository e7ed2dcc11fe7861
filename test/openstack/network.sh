# The guests' network on this host: a cable whose one end Neutron bridges, and no way on from there.

make_network() {
  ip link show $host_link >/dev/null 2>&1 || ip link add $host_link type veth peer name $bridge_link
  ip addr replace $guest_network.1/24 dev $host_link
  ip link set $host_link up
  ip link set $bridge_link up
  # When the cable is gone, the guests' addresses lead nowhere rather than to the default route.
  ip route replace unreachable $guest_network.0/24 metric 9999
  iptables -C FORWARD -i $host_link -j DROP 2>/dev/null || iptables -I FORWARD -i $host_link -j DROP
  [ -e "$state/bridge-nf" ] || cat /proc/sys/net/bridge/bridge-nf-call-{iptables,ip6tables} >"$state/bridge-nf" 2>/dev/null || true
}

# remove_network takes away what make_network, Neutron's agents and Nova made, and nothing else.
remove_network() {
  local name
  for name in $(ip netns list | awk '/^q(dhcp|router)-/ { print $1 }'); do ip netns delete "$name"; done
  # The first one had its folder mounted on itself; the next one will again.
  [ -n "$(ip netns list)" ] || umount /run/netns 2>/dev/null || true
  for name in $(ip -o link | grep -oE '(brq|tap)[0-9a-f]{8}-[0-9a-f]{2}' | sort -u); do ip link delete "$name" 2>/dev/null || true; done
  ip link delete $host_link 2>/dev/null || true
  ip route delete unreachable $guest_network.0/24 metric 9999 2>/dev/null || true
  local restore
  for name in iptables ip6tables; do
    restore=$($name-save | grep -v -e 'neutron-' -e "-i $host_link ")
    $name-restore <<<"$restore"
  done
  for name in $(ipset list -name 2>/dev/null | grep -E '^N(IPv4|IPv6)'); do ipset destroy "$name"; done
  if [ -s "$state/bridge-nf" ]; then
    { read -r four; read -r six; } <"$state/bridge-nf"
    echo "$four" >/proc/sys/net/bridge/bridge-nf-call-iptables
    echo "$six" >/proc/sys/net/bridge/bridge-nf-call-ip6tables
    rm "$state/bridge-nf"
  fi
}
