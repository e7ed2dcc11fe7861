// Package released keeps the protocol as it was released: one google.protobuf.FileDescriptorSet in
// JSON per release. A release never changes; a test holds that today's protocol still has all of
// it. A new one is written by
//
//	go test ./plugins/sdk/proto/released -write v1.1
package released

import _ "embed"

// V1 is the first release, which plugins load whose language has no generated code.
//
//go:embed v1.0.json
var V1 []byte
