package usage

// files reads the files that name images.
func (c *collection) files() error { return nil }
