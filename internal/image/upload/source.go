package upload

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Source is where an image's data comes from. Only Open is required.
type Source struct {
	Name   string // for people, such as a path or an address without secrets
	Size   int64  // bytes that the data must have; 0 if nobody said
	Format string // the disk format that the data must have; "" is the one that its first bytes show
	Sums   Sums   // what the data must have
	URL    string // where a cloud can fetch the same data by itself; "" if nowhere
	Open   Opener
}

// Opener opens the data at an offset in bytes. It is called again, with the offset that was reached,
// after reading failed. It fails with fault.Conflict if the data is not the same any more.
type Opener func(ctx context.Context, offset int64) (*Opened, error)

// Opened is data that is being read.
type Opened struct {
	io.ReadCloser
	Size int64 // of all the data, not only from the offset on; negative if unknown
}

// File is a file's data.
func File(path string) Source {
	var first fs.FileInfo
	return Source{Name: path, Open: func(_ context.Context, offset int64) (*Opened, error) {
		f, err := os.Open(filepath.Clean(path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.Wrap(fault.NotFound, "", err)
		case err != nil:
			return nil, err
		}
		info, err := f.Stat()
		switch {
		case err != nil:
		case !info.Mode().IsRegular():
			err = fault.New(fault.Usage, "", "%s is no regular file", path)
		case first != nil && (!os.SameFile(first, info) || !first.ModTime().Equal(info.ModTime()) || first.Size() != info.Size()):
			err = fault.New(fault.Conflict, "try again when nobody writes to it", "file %s was changed while it was read", path)
		default:
			first = info
			_, err = f.Seek(offset, io.SeekStart)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return &Opened{f, info.Size()}, nil
	}}
}

// Stored is the data of an image in a Glance, with the checksums that the service keeps of it.
func Stored(images *glance.Client, img *glance.Image) Source {
	return Source{
		Name: "image " + img.String(), Size: max(img.Size, 0), Format: img.DiskFormat, Sums: SumsOf(img),
		Open: func(ctx context.Context, offset int64) (*Opened, error) {
			body, err := images.DownloadFrom(ctx, img.ID, offset)
			if err != nil {
				return nil, err
			}
			return &Opened{body, img.Size}, nil
		},
	}
}

// SumsOf are the checksums of the data that the service has of an image: those that it keeps, or else the one that was
// verified when the data was uploaded.
func SumsOf(img *glance.Image) Sums {
	stored := storedSums(img)
	if len(stored) > 0 {
		return stored
	}
	verified, _ := ParseSums(img.Properties[VerifiedKey]) // none, if it is none
	return verified
}

// storedSums are those that the service computed. One by an algorithm that isn't known here is left out.
func storedSums(img *glance.Image) Sums {
	s := Sums{}
	for algorithm, sum := range map[string]string{"md5": img.Checksum, img.HashAlgo: img.HashValue} {
		if sum != "" {
			_ = s.Add(algorithm, sum) // it stays out if it is none
		}
	}
	return s
}
