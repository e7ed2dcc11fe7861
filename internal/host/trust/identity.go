package trust

// Identity tells a file from what it was before: if it is the same, so is the content. Users
// can't set a file's ctime.
type Identity struct {
	Device  uint64 `json:"dev"`
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	ModTime int64  `json:"mtime_ns"`
	Changed int64  `json:"ctime_ns"`
}
