# Runs the script with its arguments, and has a file get what it says.
exec /bin/sh /run/imgctl-modify/given/script "$@" >>/run/imgctl-modify/said/text 2>&1
