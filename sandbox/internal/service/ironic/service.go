// Package ironic is the sandbox's bare metal service: nodes with their provision states, locks, allocations
// and cleaning, of the Bare Metal API v1. A node whose deploy interface is "direct" runs its deploy ramdisk, as
// far as that has an outcome: the property RamdiskKey of the ramdisk's image says what goes wrong with it.
package ironic

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Images is what nodes need of the image service.
type Images interface {
	Visible(caller front.Caller, id string) (glance.Image, bool)
}

// Options configures a Service.
type Options struct {
	Clock  *front.Clock // runs the changes of state
	Images Images

	CallbackTimeout time.Duration // how long a ramdisk may take to call back; 0 = half an hour
	MaxPage         int           // most objects of a page; 0 = 1000
	NoRamdisk       bool          // the conductor has no deploy ramdisk for nodes that name none
}

// Service is the bare metal service.
type Service struct {
	o Options

	mu          sync.Mutex
	nodes       []*Node // by creation
	allocations []*Allocation
}

// New returns a bare metal service without nodes.
func New(o Options) *Service {
	if o.CallbackTimeout == 0 {
		o.CallbackTimeout = 30 * time.Minute
	}
	if o.MaxPage == 0 {
		o.MaxPage = 1000
	}
	return &Service{o: o}
}

// AddNode adds a node, which is available unless it has another state. It returns the node's UUID.
func (s *Service) AddNode(n Node) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.UUID == "" {
		n.UUID = uuid.NewString()
	}
	n.complete(s.now())
	s.nodes = append(s.nodes, &n)
	return n.UUID
}

// Node returns a copy of a node by its UUID or name.
func (s *Service) Node(ident string) (Node, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.find(ident); n != nil {
		return n.clone(), true
	}
	return Node{}, false
}

// Change changes a node, whatever its state; false if there is none.
func (s *Service) Change(ident string, how func(*Node)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.find(ident)
	if n != nil {
		how(n)
	}
	return n != nil
}

// Allocations returns copies of all allocations, by creation.
func (s *Service) Allocations() []Allocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Allocation, len(s.allocations))
	for k, a := range s.allocations {
		all[k] = *a
	}
	return all
}

// find is a node by its UUID or name, nil if there is none. The caller holds the lock.
func (s *Service) find(ident string) *Node {
	for _, n := range s.nodes {
		if ident != "" && (n.UUID == ident || n.Name == ident) {
			return n
		}
	}
	return nil
}

func (s *Service) now() time.Time { return s.o.Clock.Now().UTC() }

// step changes a node after the time of one transition, unless it has left the state by then.
func (s *Service) step(ctx context.Context, n *Node, from string, change func()) bool {
	if s.o.Clock.Wait(ctx) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.ProvisionState != from {
		return false
	}
	change()
	return true
}
