package sandbox

import "syscall"

const errInUse = syscall.EADDRINUSE
