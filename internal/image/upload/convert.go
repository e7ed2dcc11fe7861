package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// ToRaw converts a qcow2 before it is uploaded.
const ToRaw = raw

// converter is the program that converts.
const converter = "qemu-img"

// canConvert reports what a conversion lacks, before anything is downloaded.
func canConvert(source Source, to string) error {
	switch {
	case to == "" || source.Format == raw:
		return nil
	case to != ToRaw:
		return fault.Bad("convert", "", "%q: images are converted to %s alone", to, raw)
	case source.Format != "" && source.Format != qcow2:
		return fault.Bad("convert", "", "%s is a %s; only a %s is converted", source.Name, source.Format, qcow2)
	}
	if _, err := exec.LookPath(converter); err != nil {
		return fault.Bad("convert", "install qemu-utils, or have the images as they are", "%s isn't installed", converter)
	}
	return nil
}

// converted is the source as a raw disk in a temporary file, and the checksum that the source's data was found to have;
// the source itself if it is raw. The caller closes it.
func converted(ctx context.Context, source Source, rep report.Reporter) (_ Source, sum string, done func(), err error) {
	data, err := open(ctx, source, rep)
	if err != nil {
		return source, "", nil, err
	}
	defer data.close()
	if data.format.Disk == raw {
		return source, "", func() {}, nil
	}
	if data.format.Disk != qcow2 {
		return source, "", nil, fault.New(fault.Forbidden, "", "%s is a %s; only a %s is converted", source.Name, data.format.Disk, qcow2)
	}
	size := max(data.in.size, source.Size)
	if err := fits(source.Name, size, data.format.VirtualSize); err != nil {
		return source, "", nil, err
	}
	packed, err := temporary()
	if err != nil {
		return source, "", nil, err
	}
	defer packed.Close()
	if sum, err = data.save(packed, size); err != nil {
		return source, "", nil, err
	}
	disk, err := temporary()
	if err != nil {
		return source, "", nil, err
	}
	rep.Step("Converting %s to a raw disk of %d bytes", source.Name, data.format.VirtualSize)
	if err := convert(ctx, packed, disk); err != nil {
		disk.Close()
		return source, "", nil, fmt.Errorf("%s: %w", source.Name, err)
	}
	return opened(source.Name, disk), sum, func() { disk.Close() }, nil
}

// fits checks that a download and the disk that it becomes have room in the folder of temporary files.
func fits(name string, size, virtual int64) error {
	folder := os.TempDir()
	free, err := space(folder)
	switch {
	case err != nil:
		return err
	case size <= 0:
		return fault.New(fault.Forbidden, "", "%s: nobody says how large it is, so it can't be converted", name)
	case virtual > free || size > free-virtual:
		return fault.New(fault.Quota, "free some of it, or set TMPDIR to a folder that has more",
			"converting %s takes up to %d bytes in %s, which has %d", name, size+virtual, folder, free)
	}
	return nil
}

// temporary is a file without a name, which is gone when it is closed, also if the program is killed.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp("", "imgctl-convert-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// save writes all data into a file, if it is what the source says, and returns its checksum.
func (s *stream) save(f *os.File, size int64) (string, error) {
	s.start("sha512")
	_, err := io.Copy(f, io.LimitReader(s, size+1)) // by Read: the limit holds
	if err == nil && s.sums == nil {
		_, err = s.Read(make([]byte, 1)) // the end, with what is wrong about the data
		if err == nil {
			err = fault.New(fault.Forbidden, "", "%s has more than the %d bytes that it says", s.source.Name, size)
		}
	}
	s.close()
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	sum := s.source.Sums.Best()
	if sum == "" {
		sum = s.sums.Best()
	}
	return sum, nil
}

// convert runs the converter, which gets the files as they are open, and the format as it was read.
func convert(ctx context.Context, from, to *os.File) error {
	cmd := exec.CommandContext(ctx, converter, "convert", "-f", qcow2, "-O", raw, "/dev/fd/3", "/dev/fd/4")
	cmd.ExtraFiles = []*os.File{from, to}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fault.New(fault.Forbidden, "", "%s can't convert it: %s (%w)", converter, bytes.TrimSpace(said.Bytes()), err)
	}
	return nil
}

// opened is the data of an open file.
func opened(name string, f *os.File) Source {
	return Source{Name: name, Format: raw, Open: func(_ context.Context, offset int64) (*Opened, error) {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		return &Opened{io.NopCloser(io.NewSectionReader(f, offset, info.Size()-offset)), info.Size()}, nil
	}}
}
