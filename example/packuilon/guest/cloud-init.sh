#!/bin/sh
# Where Aquilon compiles the host's profile. It takes its time.
/usr/libexec/aquilon &
