package upload_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// qcow2 is a header.
func qcow2(version uint32, size, backing, features uint64) []byte {
	h := make([]byte, 4096)
	copy(h, "QFI\xfb")
	binary.BigEndian.PutUint32(h[4:], version)
	binary.BigEndian.PutUint64(h[8:], backing)
	binary.BigEndian.PutUint64(h[24:], size)
	binary.BigEndian.PutUint64(h[72:], features)
	return h
}

func vmdk(descriptor string) []byte {
	h := make([]byte, 64<<10)
	copy(h, "KDMV")
	binary.LittleEndian.PutUint64(h[12:], 2<<30/512)
	binary.LittleEndian.PutUint64(h[28:], 1)
	binary.LittleEndian.PutUint64(h[36:], 20)
	copy(h[512:], descriptor)
	return h
}

func at(n int, magic string, rest ...byte) []byte {
	h := make([]byte, 64<<10)
	copy(h[n:], magic)
	copy(h[n+len(magic):], rest)
	return h
}

func TestInspect(t *testing.T) {
	t.Parallel()
	long := vmdk("# Disk DescriptorFile\n")
	binary.LittleEndian.PutUint64(long[28:], 1<<60)
	for name, c := range map[string]struct {
		head []byte
		disk string
		size int64
		bad  string
	}{
		"qcow2 v2":              {qcow2(2, 5<<30, 0, 0xffff), "qcow2", 5 << 30, ""},
		"qcow2 v3":              {qcow2(3, 5<<30, 0, 1|8|16), "qcow2", 5 << 30, ""},
		"backing file":          {qcow2(2, 5<<30, 200, 0), "", 0, "backing file"},
		"external data":         {qcow2(3, 5<<30, 0, 4), "", 0, "external data file"},
		"corrupt":               {qcow2(3, 5<<30, 0, 2), "", 0, "corrupt"},
		"unknown features":      {qcow2(3, 5<<30, 0, 1<<40), "", 0, "unknown features"},
		"qcow2 v1":              {qcow2(1, 5<<30, 0, 0), "", 0, "version 1"},
		"cut qcow2":             {qcow2(3, 5<<30, 0, 0)[:80], "", 0, "cut off"},
		"vmdk":                  {vmdk("# Disk DescriptorFile\ncreateType=\"streamOptimized\"\n"), "vmdk", 2 << 30, ""},
		"flat vmdk":             {vmdk("createType=\"monolithicFlat\"\n"), "", 0, "other files"},
		"vmdk without type":     {vmdk("version=1"), "", 0, "names no type"},
		"vmdk descriptor":       {[]byte("# Disk DescriptorFile\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0"), "", 0, "other files"},
		"vmdk descriptor afar":  {long, "", 0, "names no descriptor"},
		"vhd":                   {at(0, "conectix", make([]byte, 40)...), "vhd", 0, ""},
		"vhdx":                  {at(0, "vhdxfile"), "vhdx", 0, ""},
		"vdi":                   {at(0x40, "\x7f\x10\xda\xbe"), "vdi", 0, ""},
		"iso":                   {at(0x8001, "CD001"), "iso", 0, ""},
		"QED":                   {at(0, "QED\x00"), "", 0, "QED"},
		"raw":                   {[]byte("anything"), "raw", 0, ""},
		"nothing":               {nil, "raw", 0, ""},
		"a size that overflows": {qcow2(2, 1<<63, 0, 0), "qcow2", 0, ""},
	} {
		got, err := upload.Inspect(c.head)
		switch {
		case c.bad != "" && (err == nil || !strings.Contains(err.Error(), c.bad)):
			t.Errorf("%s: error is %v", name, err)
		case c.bad == "" && (err != nil || got != upload.Format{Disk: c.disk, VirtualSize: c.size}):
			t.Errorf("%s: it is %+v, error %v", name, got, err)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, head := range [][]byte{qcow2(3, 1, 0, 0), vmdk("createType=\"streamOptimized\""), at(0x8001, "CD001"), []byte("KDMV")} {
		f.Add(head)
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		got, err := upload.Inspect(head)
		if err == nil && (got.Disk == "" || got.VirtualSize < 0) {
			t.Errorf("it is %+v", got)
		}
	})
}

func TestSums(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "sha256", "sha256:", "sha256:xy", "sha256:" + strings.Repeat("a", 63), "crc32:00000000", ":"} {
		if s, err := upload.ParseSums(bad); err == nil {
			t.Errorf("%q is read as %v", bad, s)
		}
	}
	s, err := upload.ParseSums("SHA256:"+strings.Repeat("AB", 32), "md5:"+strings.Repeat("0", 32))
	if err != nil || s.Best() != "sha256:"+strings.Repeat("ab", 32) {
		t.Errorf("sums are %v, error %v", s, err)
	}
	if err := s.Add("md5", strings.Repeat("1", 32)); err == nil {
		t.Error("a checksum that contradicts is taken")
	}
}
