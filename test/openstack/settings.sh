# Where everything of the test cloud lives, and what it is made of. Sourced by up, down and status.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH LC_ALL=C.UTF-8
umask 077 # the secret, the sockets and the databases are for root alone

# State and logs of this machine's cloud; down --purge removes it.
state=${IMGCTL_OPENSTACK_DIR:-/srv/imgctl-openstack}
# What outlives a purge: finished databases and guest images, by what they were made from.
cache=${IMGCTL_OPENSTACK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imgctl/openstack}

at= # what the first region's databases and folders have behind their names: nothing
clouds_yaml=$state/clouds.yaml
secret_file=$state/secret # the password of every account in this cloud
neutron_agents=(linuxbridge dhcp l3 metadata)
databases=(keystone glance placement nova_api nova_cell0 nova neutron cinder keystone_elsewhere glance_elsewhere)

# Guests sit on the bridge of this network; the host is its first address, and nothing is routed beyond.
guest_network=10.77.0
private_network=10.78.0 # behind a router, for servers with floating IPs
host_link=imgctl0   # the host's end of the cable into the bridge
bridge_link=imgctl1 # the bridge's end

packages=(
  mariadb-server rabbitmq-server uwsgi-core uwsgi-plugin-python3
  keystone glance-api placement-api
  nova-api nova-scheduler nova-conductor nova-compute nova-compute-kvm
  neutron-server neutron-linuxbridge-agent neutron-dhcp-agent neutron-l3-agent neutron-metadata-agent
  cinder-api cinder-scheduler cinder-volume
  docker-registry
  swift-proxy swift-account swift-container swift-object memcached nginx-light
  libvirt-daemon-system qemu-system-x86 qemu-utils genisoimage
  iproute2 iptables kmod curl procps
  syslinux syslinux-common mtools dosfstools fdisk e2fsprogs
)

# What is started besides; SERVICES= leaves it out.
services=${SERVICES-baremetal}
wants() { [[ " $services " == *" $1 "* ]]; }
if wants baremetal; then packages+=(ironic-common); fi

# The services' ports, all on 127.0.0.1.
keystone_port=5000 glance_port=9292 placement_port=8778 nova_port=8774 metadata_port=8775 neutron_port=9696 cinder_port=8776
ironic_port=6385 ironic_files_port=8089
keystone_elsewhere_port=5001 glance_elsewhere_port=9293
rabbit_port=5672 registry_port=5050

# What does not fit one service's package: where the databases' socket is.
database_socket=$state/run/mysql.sock
