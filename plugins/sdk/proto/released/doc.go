// Package released keeps the protocol as it was released: one google.protobuf.FileDescriptorSet in
// JSON per release. A release never changes; a test holds that today's protocol still has all of
// it. A new one is written by
//
//	go test ./plugins/sdk/proto/released -write v1.1
package released
