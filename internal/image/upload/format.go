package upload

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Format is what the first bytes of an image's data say about it.
type Format struct {
	Disk        string // the disk format, as Glance calls it
	VirtualSize int64  // bytes of the disk that a server sees; 0 if they don't say, as with raw
}

// HeadSize is how many of the first bytes Inspect needs, or all if there are fewer.
const HeadSize = 64 << 10

// The disk formats that the service knows.
const (
	raw, qcow2, vmdk, vhd, vhdx, vdi, iso, ploop = "raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "ploop"
	aki, ari, ami                                = "aki", "ari", "ami"
)

var formats = []string{raw, qcow2, vmdk, vhd, vhdx, vdi, iso, ploop, aki, ari, ami}

// opaque reports whether data of a format may be anything: kernels, ramdisks and file systems.
func opaque(format string) bool { return slices.Contains([]string{aki, ari, ami}, format) }

// container is the container format that goes with a disk format.
func container(format string) string {
	if opaque(format) {
		return format
	}
	return "bare"
}

// Inspect reads the format of an image's data from its first bytes. It refuses data that refers to other
// files, of which a service would read its own, and data that no server can boot.
func Inspect(head []byte) (Format, error) {
	for _, known := range inspectors {
		if len(head) >= known.at+len(known.magic) && string(head[known.at:known.at+len(known.magic)]) == known.magic {
			return known.read(head)
		}
	}
	return Format{Disk: raw}, nil
}

var inspectors = []struct {
	at    int
	magic string
	read  func(head []byte) (Format, error)
}{
	{0, "QFI\xfb", inspectQcow2},
	{0, "KDMV", inspectVMDK},
	{0, "# Disk DescriptorFile", func([]byte) (Format, error) {
		return Format{}, refuse("it is a VMDK descriptor, whose data is in other files")
	}},
	{0, "QED\x00", func([]byte) (Format, error) {
		return Format{}, refuse("its format is QED, which the service doesn't know")
	}},
	{0, "vhdxfile", always(vhdx)},
	{0, "conectix", func(head []byte) (Format, error) { return Format{vhd, number(head, 48, binary.BigEndian)}, nil }},
	{0x40, "\x7f\x10\xda\xbe", func(head []byte) (Format, error) {
		return Format{vdi, number(head, 0x170, binary.LittleEndian)}, nil
	}},
	{0, "WithoutFreeSpace", always(ploop)},
	{0, "WithouFreSpacExt", always(ploop)},
	{0x8001, "CD001", always(iso)},
}

func always(format string) func([]byte) (Format, error) {
	return func([]byte) (Format, error) { return Format{Disk: format}, nil }
}

// number is the 64-bit number at an offset, 0 if there is none or it is no size.
func number(head []byte, at int, order binary.ByteOrder) int64 {
	if len(head) < at+8 {
		return 0
	}
	return max(int64(order.Uint64(head[at:])), 0) // what overflows is no size
}

func refuse(format string, args ...any) error { return fault.New(fault.Forbidden, "", format, args...) }

// The bits of a qcow2's incompatible features: what a reader must know to read it.
const (
	qcow2Corrupt  = 1 << 1
	qcow2External = 1 << 2
	qcow2Known    = 1<<5 - 1
)

func inspectQcow2(head []byte) (Format, error) {
	if len(head) < 72 {
		return Format{}, refuse("its qcow2 header is cut off")
	}
	version := binary.BigEndian.Uint32(head[4:])
	f := Format{qcow2, number(head, 24, binary.BigEndian)}
	if version != 2 && version != 3 {
		return f, refuse("it is a qcow2 of version %d; only 2 and 3 are known", version)
	}
	if binary.BigEndian.Uint64(head[8:]) != 0 {
		return f, refuse("it is a qcow2 with a backing file, so its data is incomplete")
	}
	if version == 2 {
		return f, nil
	}
	if len(head) < 104 {
		return Format{}, refuse("its qcow2 header is cut off")
	}
	switch features := binary.BigEndian.Uint64(head[72:]); {
	case features&qcow2External != 0:
		return f, refuse("it is a qcow2 with an external data file, so its data is elsewhere")
	case features&qcow2Corrupt != 0:
		return f, refuse("it is a qcow2 that is marked as corrupt")
	case features&^uint64(qcow2Known) != 0:
		return f, refuse("it is a qcow2 with unknown features (%#x)", features)
	}
	return f, nil
}

const sector = 512

var createType = regexp.MustCompile(`(?m)^\s*createType\s*=\s*"([^"\n]*)"`)

// inspectVMDK reads a sparse VMDK with its descriptor inside. The service takes the same types by default.
func inspectVMDK(head []byte) (Format, error) {
	f := Format{vmdk, number(head, 12, binary.LittleEndian)}
	if f.VirtualSize > 1<<53 {
		return f, refuse("its VMDK header is damaged")
	}
	f.VirtualSize *= sector
	at, size := number(head, 28, binary.LittleEndian), number(head, 36, binary.LittleEndian)
	if at <= 0 || at >= int64(len(head))/sector || size <= 0 || size > int64(len(head))/sector {
		return f, refuse("its VMDK header names no descriptor")
	}
	descriptor := head[at*sector : min((at+size)*sector, int64(len(head)))]
	found := createType.FindSubmatch(descriptor)
	if found == nil {
		return f, refuse("its VMDK descriptor names no type")
	}
	if kind := string(found[1]); kind != "streamOptimized" && kind != "monolithicSparse" {
		return f, refuse("it is a VMDK of the type %q, whose data is in other files", kind)
	}
	return f, nil
}

// packed are what compressed data begins with.
var packed = map[string]string{
	"gzip": "\x1f\x8b", "xz": "\xfd7zXZ\x00", "bzip2": "BZh", "zstd": "\x28\xb5\x2f\xfd", "zip": "PK\x03\x04",
}

// agreed is the format of data that begins with head, and of which the source says the format said, ""
// if it doesn't.
func agreed(head []byte, said string) (Format, error) {
	said = strings.ToLower(said)
	switch {
	case said != "" && !slices.Contains(formats, said):
		return Format{}, fault.New(fault.Usage, "", "disk format %q is none of %s", said, strings.Join(formats, ", "))
	case len(head) == 0:
		return Format{}, refuse("it has no data")
	}
	f, err := Inspect(head)
	switch {
	case err != nil:
		return f, err
	case opaque(said) && f.Disk == raw:
		return Format{Disk: said}, nil
	case said != "" && said != f.Disk:
		return f, refuse("its format is said to be %s, but its first bytes are those of %s", said, f.Disk)
	case f.Disk != raw:
		return f, nil
	}
	for name, magic := range packed {
		if bytes.HasPrefix(head, []byte(magic)) {
			return f, fault.New(fault.Forbidden, "unpack it first", "it is compressed with %s", name)
		}
	}
	if begin := strings.ToLower(string(bytes.TrimSpace(head[:min(len(head), 256)]))); strings.HasPrefix(begin, "<!doctype") ||
		strings.HasPrefix(begin, "<html") {
		return f, refuse("it is a page of HTML")
	}
	return f, nil
}
