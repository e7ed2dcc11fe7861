# Starting, finding and ending processes without an init system.
#
# A service runs when the process that $state/run/NAME.pid names runs; the file holds the time at which
# that process began too, since numbers are used again. Everything that a service starts inherits a mark
# in its environment, so that nothing is missed when only the service itself was killed.

began=$EPOCHREALTIME

die() {
  echo "$*" >&2
  exit 1
}

# since MOMENT prints the seconds since then, with one decimal.
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# phase NAME COMMAND... runs the command and prints how long it took.
phase() {
  local name=$1 from=$EPOCHREALTIME
  shift
  "$@"
  printf '%7s s  %s\n' "$(since "$from")" "$name"
}

# marked MARK prints the ids of the processes that have this assignment in their environment.
marked() {
  grep -lszxF "$1" /proc/[0-9]*/environ | cut -d/ -f3 || true
}

# own_processes prints the ids of all processes of this cloud. What has no environment of ours, as QEMU
# under libvirt, or has written a title over it, as Neutron's agents, is known by its command line.
own_processes() {
  {
    marked "IMGCTL_OPENSTACK=$state"
    pgrep -f "^([^ ]*python3 )?[^ ]*(qemu-system|dnsmasq|haproxy|neutron-)[^ ]* .*$state/" || true
  } | sort -un
}

# started PID prints when the process began, in clock ticks since the machine did. One that has ended
# and that nobody waited for does not count.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

running() {
  local pid at
  read -r pid at 2>/dev/null <"$state/run/$1.pid" && [ -n "$at" ] && [ "$(started "$pid")" = "$at" ]
}

# start NAME [VARIABLE=VALUE...] COMMAND... starts a service in the background, unless it runs. What an
# earlier one left behind is ended first.
start() {
  local name=$1
  shift
  ! running "$name" || return 0
  marked "IMGCTL_OPENSTACK_SERVICE=$name@$state" | xargs -r kill -9
  (
    close_others
    exec setsid env "IMGCTL_OPENSTACK=$state" "IMGCTL_OPENSTACK_SERVICE=$name@$state" HOME="$state/run" "$@"
  ) >>"$state/log/$name.log" 2>&1 </dev/null &
  echo "$! $(started $!)" >"$state/run/$name.pid"
  disown
}

# close_others closes what the caller has open besides the standard files: its pipes and locks, which a
# service would hold for as long as it runs.
close_others() {
  local fd
  for fd in /proc/$BASHPID/fd/*; do
    fd=${fd##*/}
    [ "$fd" -le 2 ] || eval "exec $fd>&-"
  done
}

# await SECONDS NAME COMMAND... waits until the command succeeds. It gives up at once when the
# service of that name has ended.
await() {
  local deadline=$((SECONDS + $1)) name=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    running "$name" || die "$name ended; see $state/log/$name.log:"$'\n'"$(tail -n 5 "$state/log/$name.log")"
    [ $SECONDS -lt $deadline ] || die "$name did not get ready in time; see $state/log/$name.log"
    sleep 0.2
  done
}

# stop_all ends every process of this cloud: asked first, killed after five seconds.
stop_all() {
  local pids deadline=$((SECONDS + 5))
  mapfile -t pids < <(own_processes)
  [ ${#pids[@]} -gt 0 ] || return 0
  kill "${pids[@]}" 2>/dev/null || true
  while [ $SECONDS -lt $deadline ] && [ -n "$(own_processes)" ]; do sleep 0.2; done
  mapfile -t pids < <(own_processes)
  [ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
}

# answers PORT is whether an HTTP service answers there, whatever it says.
answers() { curl -so /dev/null --max-time 5 "http://127.0.0.1:$1/"; }
