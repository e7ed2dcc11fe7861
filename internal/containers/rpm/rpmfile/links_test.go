package rpmfile_test

import (
	"strings"
	"testing"
)

// pair is a package with two hard links to one file.
func pair() *model {
	hello := sha([]byte("hello"))
	return good().set(numbers(1028, 5, 5)).set(value{tag: 1030, numbers: []uint32{0o100644, 0o100644}, short: true}).
		set(numbers(1034, 1, 1)).set(texts(1035, hello, hello)).set(texts(1036, "", "")).set(numbers(1037, 0, 0)).
		set(texts(1039, "root", "root")).set(texts(1040, "root", "root")).set(numbers(1095, 1, 1)).set(numbers(1096, 1, 1)).
		set(numbers(1116, 0, 0)).set(texts(1117, "f", "g"))
}

func TestHostileLinks(t *testing.T) {
	t.Parallel()
	f, g := entry{"./usr/lib/f", "", -1}, entry{"./usr/lib/g", "hello", -1}
	if got, err := read(pair().pay(f, g).write(t)); err != nil || got != "hello" {
		t.Errorf("a good one: %q, %v", got, err)
	}
	device := value{tag: 1030, numbers: []uint32{0o020666, 0o100644}, short: true}
	for name, m := range map[string]*model{
		"no link has the content":   pair().pay(f, entry{"./usr/lib/g", "", -1}),
		"both have another content": pair().pay(entry{"./usr/lib/f", "HELLO", -1}, g),
		"one is missing":            pair().pay(g),
		"the same name":             pair().set(texts(1117, "f", "f")).pay(f, entry{"./usr/lib/f", "hello", -1}),
		"a device with content":     pair().set(device).pay(entry{"./usr/lib/f", "hello", -1}, g),
		"a name of control text":    pair().pay(f, entry{"./usr/lib/\x1b[2Jg\n", "hello", -1}),
	} {
		got, err := read(m.write(t))
		if err == nil {
			t.Errorf("%s: taken, with %q", name, got)
		} else if strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: the error is %q", name, err)
		}
	}
}
