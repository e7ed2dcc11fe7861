// Package node has the SDK for plugins in JavaScript: one file that needs only @grpc/grpc-js and @grpc/proto-loader.
package node

import _ "embed"

// Module is imgctl-plugin.js, which a plugin has beside its own code.
//
//go:embed imgctl-plugin.js
var Module []byte
