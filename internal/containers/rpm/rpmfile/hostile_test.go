package rpmfile_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
)

// value is a tag's texts or numbers.
type value struct {
	tag     header.Tag
	texts   []string
	numbers []uint32
	short   bool // 16 bits
	single  bool
}

// raw makes a header with magic and a region.
func raw(region header.Tag, values ...value) []byte {
	var index, data []byte
	add := func(tag header.Tag, kind header.Type, offset, count int) {
		for _, n := range []uint32{uint32(tag), uint32(kind), uint32(int32(offset)), uint32(count)} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
	}
	for _, v := range values {
		switch {
		case v.texts != nil:
			kind := header.StringArray
			if v.single {
				kind = header.String
			}
			add(v.tag, kind, len(data), len(v.texts))
			for _, text := range v.texts {
				data = append(append(data, text...), 0)
			}
		case v.short:
			data = append(data, make([]byte, len(data)%2)...)
			add(v.tag, header.Int16, len(data), len(v.numbers))
			for _, n := range v.numbers {
				data = binary.BigEndian.AppendUint16(data, uint16(n))
			}
		default:
			data = append(data, make([]byte, (4-len(data)%4)%4)...)
			add(v.tag, header.Int32, len(data), len(v.numbers))
			for _, n := range v.numbers {
				data = binary.BigEndian.AppendUint32(data, n)
			}
		}
	}
	inside := index
	index = nil
	add(region, header.Bin, len(data), 16)
	index = append(index, inside...)
	count := len(index) / 16
	for _, n := range []uint32{uint32(region), uint32(header.Bin), uint32(-int32(count * 16)), 16} {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	all := []byte{0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0}
	all = binary.BigEndian.AppendUint32(all, uint32(count))
	all = binary.BigEndian.AppendUint32(all, uint32(len(data)))
	return append(append(all, index...), data...)
}

func text(tag header.Tag, s string) value       { return value{tag: tag, texts: []string{s}, single: true} }
func texts(tag header.Tag, s ...string) value   { return value{tag: tag, texts: s} }
func numbers(tag header.Tag, n ...uint32) value { return value{tag: tag, numbers: n} }

// entry is one of a payload.
type entry struct {
	name, content string
	size          int // as it says; -1 is the content's
}

func cpio(entries ...entry) []byte {
	var b bytes.Buffer
	for _, e := range append(entries, entry{"TRAILER!!!", "", 0}) {
		size := e.size
		if size < 0 {
			size = len(e.content)
		}
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			1, 0o100644, 0, 0, 1, 0, size, 0, 0, 0, 0, len(e.name)+1, 0)
		b.WriteString(e.name + "\x00")
		b.Write(make([]byte, (4-b.Len()%4)%4))
		b.WriteString(e.content)
		b.Write(make([]byte, (4-b.Len()%4)%4))
	}
	return b.Bytes()
}

// model is a package with one file, as parts that a test may change.
type model struct {
	values  []value
	payload []byte
	packed  []byte // the payload, compressed; nil is that it is still to be done
	digest  string // of the compressed payload; "" is the right one
	sum     string // of the header; "" is the right one
}

func sha(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func good() *model {
	return &model{
		values: []value{
			text(1000, "a"), text(1001, "1"), text(1002, "1"), text(1021, "linux"), text(1022, "noarch"), text(1044, "a.src.rpm"),
			numbers(1028, 5),
			{tag: 1030, numbers: []uint32{0o100644}, short: true},
			numbers(1034, 1), texts(1035, sha([]byte("hello"))),
			texts(1036, ""), numbers(1037, 0), texts(1039, "root"), texts(1040, "root"), numbers(1095, 1), numbers(1096, 1),
			numbers(1116, 0), texts(1117, "f"), texts(1118, "/usr/lib/"), text(1124, "cpio"), text(1125, "gzip"), numbers(5011, 8),
			numbers(5093, 8),
		},
		payload: cpio(entry{"./usr/lib/f", "hello", -1}),
	}
}

// set replaces a value.
func (m *model) set(v value) *model {
	for n := range m.values {
		if m.values[n].tag == v.tag {
			m.values[n] = v
		}
	}
	return m
}

func (m *model) pay(entries ...entry) *model {
	m.payload = cpio(entries...)
	return m
}

func (m *model) write(t testing.TB) string {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(m.payload); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if m.packed != nil {
		packed = *bytes.NewBuffer(m.packed)
	}
	digest := m.digest
	if digest == "" {
		digest = sha(packed.Bytes())
	}
	main := raw(header.Immutable, append(m.values, texts(5092, digest))...)
	sum := m.sum
	if sum == "" {
		sum = sha(main)
	}
	lead := make([]byte, 96)
	copy(lead, []byte{0xed, 0xab, 0xee, 0xdb, 3})
	signature := raw(header.Signatures, text(273, sum))
	all := slices.Concat(lead, signature)
	all = append(all, make([]byte, (8-len(all)%8)%8)...)
	all = append(append(all, main...), packed.Bytes()...)
	file := filepath.Join(t.TempDir(), "a.rpm")
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(file string) (string, error) {
	f, err := rpmfile.Open(file, nil)
	if err != nil {
		return "", err
	}
	var content strings.Builder
	if err := f.Walk(func(_ int, r io.Reader) error {
		_, err := io.Copy(&content, r)
		return err
	}); err != nil {
		return "", err
	}
	return content.String(), f.Check()
}

func TestAPackage(t *testing.T) {
	t.Parallel()
	if got, err := read(good().write(t)); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestHostilePackages(t *testing.T) {
	t.Parallel()
	hello := entry{"./usr/lib/f", "hello", -1}
	for name, m := range map[string]*model{
		"leaves the root":             good().pay(entry{"../../usr/lib/f", "hello", -1}),
		"dots inside":                 good().pay(entry{"./usr/../usr/lib/f", "hello", -1}),
		"not in the header":           good().pay(entry{"./etc/passwd", "hello", -1}),
		"twice":                       good().pay(hello, hello),
		"missing":                     good().pay(),
		"longer than it says":         good().pay(entry{"./usr/lib/f", "hello, and more than that", 5}),
		"shorter than it says":        good().pay(entry{"./usr/lib/f", "hello", 500}),
		"another size":                good().pay(entry{"./usr/lib/f", "hell", -1}),
		"another content":             good().pay(entry{"./usr/lib/f", "HELLO", -1}),
		"a huge name":                 good().pay(entry{strings.Repeat("x", 5000), "", -1}),
		"ghost with content":          good().set(numbers(1037, 1<<6)),
		"another link":                good().set(value{tag: 1030, numbers: []uint32{0o120777}, short: true}).set(texts(1036, "/etc/passwd")),
		"parent folder":               good().set(texts(1118, "/usr/../../")),
		"relative folder":             good().set(texts(1118, "usr/lib/")),
		"slash in a name":             good().set(texts(1117, "../f")),
		"no such folder":              good().set(numbers(1116, 7)),
		"more folders than files":     good().set(numbers(1116, 0, 0)),
		"fewer modes than files":      good().set(value{tag: 1030, numbers: []uint32{0o100644, 1}, short: true}),
		"no name":                     good().set(text(1000, "")),
		"a name with a slash":         good().set(text(1000, "../a")),
		"no digest of that kind":      good().set(numbers(5011, 99)),
		"a digest that is none":       good().set(texts(1035, "xyz")),
		"wrong payload digest":        {values: good().values, payload: good().payload, digest: strings.Repeat("0", 64)},
		"wrong header digest":         {values: good().values, payload: good().payload, sum: strings.Repeat("0", 64)},
		"unknown compression":         good().set(text(1125, "rar")),
		"unknown format":              good().set(text(1124, "zip")),
		"a bomb after the end":        {values: good().values, payload: append(good().payload, make([]byte, 64<<20)...)},
		"cut":                         {values: good().values, payload: good().payload[:len(good().payload)-150]},
		"no payload":                  {values: good().values},
		"a size that nobody can have": good().set(numbers(1028, 1<<31)),
	} {
		if got, err := read(m.write(t)); err == nil {
			t.Errorf("%s: taken, with %q", name, got)
		}
	}
}

// zeros are so many bytes.
type zeros int64

// Read gives zeros.
func (z *zeros) Read(p []byte) (int, error) {
	if *z == 0 {
		return 0, io.EOF
	}
	n := min(int64(*z), int64(len(p)))
	clear(p[:n])
	*z -= zeros(n)
	return int(n), nil
}

// TestAPackageOfGigabytes has few bytes of its own. It is unpacked bit by bit.
func TestAPackageOfGigabytes(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: it takes seconds of a processor")
	}
	const size = 5 << 28
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	all := cpio(entry{"./usr/lib/f", "", size})
	head := 110 + len("./usr/lib/f\x00")
	head += (4 - head%4) % 4
	content := zeros(size)
	for _, part := range []io.Reader{bytes.NewReader(all[:head]), io.TeeReader(&content, sum), bytes.NewReader(all[head:])} {
		if _, err := io.Copy(z, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	m := good().set(numbers(1028, size)).set(texts(1035, hex.EncodeToString(sum.Sum(nil))))
	m.packed = packed.Bytes()
	file := m.write(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := rpmfile.Open(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got int64
	if err := f.Walk(func(_ int, r io.Reader) error {
		n, err := io.Copy(io.Discard, r)
		got += n
		return err
	}); err != nil || got != size {
		t.Errorf("%d bytes, %v", got, err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 16<<20 {
		t.Errorf("reading it took %d bytes of memory", taken)
	}
}

func FuzzOpen(f *testing.F) {
	file := good().write(f)
	seed, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:200])
	f.Fuzz(func(t *testing.T, data []byte) {
		at := filepath.Join(t.TempDir(), "x.rpm")
		if err := os.WriteFile(at, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := read(at)
		if err == nil && len(got) > 1<<20 {
			t.Errorf("%d bytes of %d", len(got), len(data))
		}
	})
}

// FuzzPayload has a header that is right, so that the archive is reached.
func FuzzPayload(f *testing.F) {
	f.Add(good().payload)
	f.Add(cpio(entry{"./usr/lib/f", "hell", 5}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m := good()
		m.payload = payload
		if got, err := read(m.write(t)); err == nil && got != "hello" {
			t.Errorf("it has %q", got)
		}
	})
}
