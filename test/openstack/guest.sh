# The image that servers boot, made once and kept in the cache.

guest_file() { echo "$cache/guest-$(cat guest/* | sha256sum | cut -c1-16).qcow2"; }

make_guest() {
  local file
  file=$(guest_file)
  [ ! -e "$file" ] || return 0
  rm -f "$cache"/guest-*
  guest/build "$file"
}
