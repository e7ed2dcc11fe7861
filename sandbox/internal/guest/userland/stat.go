//go:build linux

package userland

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

func stat(p *Proc) int {
	f, names, ok := p.options("Lfc:t", "format=c", "printf=c", "dereference=L")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		st, err := os.Lstat(p.Path(name))
		if f.has('L') {
			st, err = os.Stat(p.Path(name))
		}
		if err != nil {
			fmt.Fprintf(p.Err, "stat: cannot stat '%s': %s\n", name, Reason(err))
			status = 1
			continue
		}
		format := f.value('c', "  File: %n\n  Size: %s\tBlocks: %b\t%F\nAccess: (%a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\nModify: %y")
		fmt.Fprintln(p.Out, statFormat(format, name, st))
	}
	return status
}

func statFormat(format, name string, info fs.FileInfo) string {
	st := info.Sys().(*syscall.Stat_t)
	values := map[byte]string{
		'n': name, 's': strconv.FormatInt(info.Size(), 10), 'b': strconv.FormatInt(st.Blocks, 10), 'B': "512",
		'a': strconv.FormatUint(uint64(st.Mode&0o7777), 8), 'A': modeText(info.Mode()), 'f': strconv.FormatUint(uint64(st.Mode), 16),
		'u': strconv.Itoa(int(st.Uid)), 'U': UserName(int(st.Uid)), 'g': strconv.Itoa(int(st.Gid)), 'G': groupName(int(st.Gid)),
		'h': strconv.FormatUint(uint64(st.Nlink), 10), 'i': strconv.FormatUint(st.Ino, 10), 'd': strconv.FormatUint(uint64(st.Dev), 10),
		'Y': strconv.FormatInt(info.ModTime().Unix(), 10), 'y': info.ModTime().Format("2006-01-02 15:04:05.000000000 -0700"),
		'X': strconv.FormatInt(st.Atim.Sec, 10), 'Z': strconv.FormatInt(st.Ctim.Sec, 10), 'F': kindText(info), '%': "%",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] == '%' && i+1 < len(format) {
			i++
			b.WriteString(values[format[i]])
		} else {
			b.WriteByte(format[i])
		}
	}
	return b.String()
}

func kindText(info fs.FileInfo) string {
	switch m := info.Mode(); {
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "character special file"
	case info.Size() == 0:
		return "regular empty file"
	}
	return "regular file"
}
