package transfer

import (
	"sync"
)

// once does something for a key one time, however many ask, and gives all of them its outcome.
type once[K comparable] struct {
	mu  sync.Mutex
	did map[K]func() error
}

func (o *once[K]) do(key K, what func() error) error {
	o.mu.Lock()
	if o.did == nil {
		o.did = map[K]func() error{}
	}
	f, ok := o.did[key]
	if !ok {
		f = sync.OnceValue(what)
		o.did[key] = f
	}
	o.mu.Unlock()
	return f()
}
