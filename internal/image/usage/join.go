package usage

// join adds the servers at the volumes, and the shelved servers' images, once all of them are known.
func (c *collection) join() {
	for _, s := range c.shelves {
		for _, at := range s.attached {
			m, ok := s.fleet.volumeBooted[at.server]
			if !ok {
				m.project = at.project
			}
			evidence := "volume " + at.volume
			if m.status != "" {
				evidence = "status " + m.status + ", " + evidence
			}
			s.byID(at.image, m.use(at.server, BootVolume, evidence))
		}
		s.attached, s.from = nil, nil
	}
	for _, p := range c.pictures {
		for image, server := range p.of {
			if m, ok := p.fleet.shelved[server]; ok {
				p.byID(image, m.use(server, Shelved, "status "+m.status))
			}
		}
		p.of = nil
	}
}
