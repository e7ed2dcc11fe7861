// Package python has the SDK for plugins in Python: one file that needs only grpcio and protobuf.
package python

import _ "embed"

// Module is imgctl_plugin.py, which a plugin ships beside its own code.
//
//go:embed imgctl_plugin.py
var Module []byte
