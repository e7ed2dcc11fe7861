package trust

// Identity detects changes of a file: if it is the same, so is the content. Users can't set a file's ctime.
type Identity struct {
	Device  uint64 `json:"dev"`
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	ModTime int64  `json:"mtime_ns"`
	Changed int64  `json:"ctime_ns"`
}
