# Writes every service's configuration below $state/etc, from the templates in etc.

# render FILE... prints the files with the words filled in.
render() {
  local client
  client=$(fill <etc/client.conf)
  cat "$@" | fill | while IFS= read -r line; do
    if [ "$line" = @CLIENT@ ]; then printf '%s\n' "$client"; else printf '%s\n' "$line"; fi
  done
}

fill() {
  sed -e "s|@STATE@|$state|g" -e "s|@AT@|$at|g" -e "s|@SECRET@|$(<"$secret_file")|g" \
    -e "s|@DATABASE@|mysql+pymysql://root@localhost|g" -e "s|@SOCKET@|?unix_socket=$database_socket|g" \
    -e "s|@KEYSTONE_PORT@|$keystone_port|g" -e "s|@GLANCE_PORT@|$glance_port|g" \
    -e "s|@NOVA_PORT@|$nova_port|g" -e "s|@METADATA_PORT@|$metadata_port|g" \
    -e "s|@NEUTRON_PORT@|$neutron_port|g" -e "s|@CINDER_PORT@|$cinder_port|g" -e "s|@RABBIT_PORT@|$rabbit_port|g" \
    -e "s|@REGISTRY_PORT@|$registry_port|g" -e "s|@IRONIC_PORT@|$ironic_port|g" \
    -e "s|@IRONIC_FILES_PORT@|$ironic_files_port|g" \
    -e "s|@BRIDGE_LINK@|$bridge_link|g"
}

make_folders() {
  mkdir -p "$cache" "$state"/{etc,log,run,lock,keys/{fernet,credential},glance/{file,second,staging,tasks},nova/instances,neutron,cinder} \
    "$state"/{rabbit,libvirt/{etc,lib,run,cache}}
}

configure() {
  [ -e "$secret_file" ] || od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$secret_file"
  local service
  for service in keystone glance placement nova neutron cinder; do
    render etc/shared.conf "etc/$service.conf" >"$state/etc/$service.conf"
  done
  render etc/rabbitmq.conf >"$state/etc/rabbitmq.conf"
  render etc/registry.yml >"$state/etc/registry.yml"
  cp etc/dnsmasq.conf "$state/etc/"
  cp etc/qemu.conf etc/libvirtd.conf "$state/libvirt/etc/"
  make_fernet_keys "$state/keys/fernet"
  write_clouds
}

# make_fernet_keys FOLDER makes what tokens are signed with, 32 random bytes: 0 is the next one, 1 signs.
make_fernet_keys() {
  local key
  for key in 0 1; do
    [ -e "$1/$key" ] || head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$1/$key"
  done
}

# write_clouds writes a clouds.yaml for every account: its name is the user's and the project's.
write_clouds() {
  local cloud domain project region port
  {
    echo 'clouds:'
    while read -r cloud project domain _ region; do
      port=$keystone_port
      [ "$region" = RegionOne ] || port=$keystone_elsewhere_port
      cat <<YAML
  $cloud:
    region_name: $region
    identity_api_version: 3
    auth:
      auth_url: http://127.0.0.1:$port/v3
      username: $cloud
      password: $(<"$secret_file")
      user_domain_name: $domain
      project_name: $project
      project_domain_name: $domain
YAML
    done <accounts
  } >"$clouds_yaml"
}
