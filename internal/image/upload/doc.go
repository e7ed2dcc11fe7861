// Package upload brings the data of an image into a Glance, in one stream: while the data flows, its
// format is read from its first bytes and its checksums are computed. Nothing is stored on the way, except for
// a conversion, and memory stays below 64 MiB whatever the size.
//
//	source := upload.File("disk.qcow2")                // or upload.Web, upload.Stored, or an Opener of your own
//	source.Sums, err = upload.ParseSums("sha256:ab12…") // what the data must have
//	img, err := upload.Stage(ctx, images, source, upload.Options{Run: cloud.NewRun(), Image: upload.Image{…}}, rep)
//
// The image that Stage makes is hidden and private, and has the run's name and marks, so that a sweep
// finds it if the run dies, until promote makes it current under a name. Until then,
// whoever called Stage deletes it if something fails; if Stage itself fails, it has deleted the image.
//
// Stage refuses data that isn't what the source says: another format, a qcow2 that needs other files, a
// checksum that differs, in the source's data or in what the service stored.
package upload
