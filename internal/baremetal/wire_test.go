package baremetal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// serve is a client of a server that speaks one service's documented API.
func serve(t *testing.T, kind string, h http.Handler) *gophercloud.ServiceClient {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: s.URL + "/", Type: kind}
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// blazar is a Reservation API v1 with two hosts.
type blazar struct {
	mu      sync.Mutex
	leases  []map[string]any
	polls   int
	node    string // UUID of the node that is host 2
	becomes string // the status of a lease at its second reading
	broken  int    // so many creations get no answer, though they are carried out
}

func (b *blazar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch path := strings.Trim(r.URL.Path, "/"); {
	case r.Method == http.MethodPost && path == "leases":
		b.create(w, r)
	case path == "leases":
		answerJSON(w, http.StatusOK, map[string]any{"leases": b.leases})
	case strings.HasPrefix(path, "leases/"):
		b.lease(w, r, strings.TrimPrefix(path, "leases/"))
	case path == "os-hosts/allocations":
		var taken []map[string]any
		for _, l := range b.leases {
			taken = append(taken, map[string]any{"lease_id": l["id"], "id": "reservation-1"})
		}
		answerJSON(w, http.StatusOK, map[string]any{"allocations": []map[string]any{
			{"resource_id": "1", "reservations": []any{}}, {"resource_id": "2", "reservations": taken},
		}})
	case path == "os-hosts/2":
		host := map[string]any{"id": "2", "hypervisor_hostname": b.node, "node_type": "rack"}
		answerJSON(w, http.StatusOK, map[string]any{"host": host})
	default:
		answerJSON(w, http.StatusNotFound, map[string]any{"error_code": 404, "error_message": "not found"})
	}
}

func (b *blazar) create(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Name, StartDate, EndDate string
		Start                    string `json:"start_date"`
		End                      string `json:"end_date"`
		Reservations             []struct {
			Type       string `json:"resource_type"`
			Min, Max   int
			Properties string `json:"resource_properties"`
		}
	}
	err := json.NewDecoder(r.Body).Decode(&q)
	if _, e := time.Parse("2006-01-02 15:04", q.End); err != nil || e != nil || q.Start != "now" || len(q.Reservations) != 1 ||
		q.Reservations[0].Type != "physical:host" || q.Reservations[0].Min != 1 || q.Reservations[0].Max != 1 {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error_code": 400, "error_message": fmt.Sprintf("%v %+v", err, q)})
		return
	}
	var condition []string
	if err := json.Unmarshal([]byte(q.Reservations[0].Properties), &condition); err != nil || len(condition) != 3 {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error_code": 400, "error_message": "malformed requirements"})
		return
	}
	if condition[2] == "full" {
		answerJSON(w, http.StatusConflict, map[string]any{"error_code": 409, "error_message": "Not enough hosts available"})
		return
	}
	l := map[string]any{
		"id": fmt.Sprintf("lease-%d", len(b.leases)+1), "name": q.Name, "status": "PENDING",
		"reservations": []map[string]any{{"id": "reservation-1", "resource_type": "physical:host", "status": "pending"}},
	}
	b.leases = append(b.leases, l)
	if b.broken > 0 {
		b.broken--
		panic(http.ErrAbortHandler)
	}
	answerJSON(w, http.StatusCreated, map[string]any{"lease": l})
}

func (b *blazar) lease(w http.ResponseWriter, r *http.Request, id string) {
	for n, l := range b.leases {
		if l["id"] != id {
			continue
		}
		if r.Method == http.MethodDelete {
			b.leases = append(b.leases[:n], b.leases[n+1:]...)
			answerJSON(w, http.StatusOK, map[string]any{})
			return
		}
		if b.polls++; b.polls > 1 {
			l["status"] = b.becomes
		}
		answerJSON(w, http.StatusOK, map[string]any{"lease": l})
		return
	}
	answerJSON(w, http.StatusNotFound, map[string]any{"error_code": 404, "error_message": "Object with " + id + " not found"})
}

// A lease is made once, even if the answer is lost, gives the node's UUID, and ends with the run (P5).
func TestLeases(t *testing.T) {
	t.Parallel()
	const run = "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"
	for _, broken := range []int{0, 1} {
		b := &blazar{node: "node-uuid", becomes: "ACTIVE", broken: broken}
		l := &Leases{sc: serve(t, "reservation", b), pace: change.Pace{First: time.Millisecond, Max: time.Millisecond}}
		host, err := l.reserve(t.Context(), run, Selection{Type: "rack"}, time.Hour)
		if err != nil || host != "node-uuid" || l.reservation != "reservation-1" || len(b.leases) != 1 {
			t.Fatalf("%q, %d leases, %v", host, len(b.leases), err)
		}
		if err := l.end(t.Context(), "another"); err != nil || len(b.leases) != 1 {
			t.Errorf("the end of another run: %d leases, %v", len(b.leases), err)
		}
		if err := l.end(t.Context(), run); err != nil || len(b.leases) != 0 {
			t.Errorf("%d leases are left, %v", len(b.leases), err)
		}
	}
	b := &blazar{becomes: "ERROR"}
	l := &Leases{sc: serve(t, "reservation", b), pace: change.Pace{First: time.Millisecond, Max: time.Millisecond}}
	if _, err := l.reserve(t.Context(), run, Selection{Type: "rack"}, time.Hour); !fault.Is(err, fault.Conflict) {
		t.Errorf("a lease that fails: %v", err)
	}
	if err := l.end(t.Context(), run); err != nil || len(b.leases) != 0 {
		t.Errorf("%d leases are left of it, %v", len(b.leases), err)
	}
	if _, err := l.reserve(t.Context(), run, Selection{Type: "full"}, time.Hour); !fault.Is(err, fault.Conflict) ||
		!strings.Contains(err.Error(), "Not enough hosts") {
		t.Errorf("no host is free: %v", err)
	}
}

// doni is an inventory of one piece of hardware.
type doni struct {
	mu         sync.Mutex
	id         string
	properties map[string]any
	writes     int
	lose       bool // the answer to the next write
}

func (d *doni) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if strings.Trim(r.URL.Path, "/") != "hardware/"+d.id {
		answerJSON(w, http.StatusNotFound, map[string]any{"error": "not found"})
		return
	}
	if r.Method == http.MethodPatch {
		var ops []struct{ Op, Path, Value string }
		if err := json.NewDecoder(r.Body).Decode(&ops); err != nil {
			answerJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
			return
		}
		d.writes++
		for _, o := range ops {
			key, ok := strings.CutPrefix(o.Path, "/properties/")
			_, there := d.properties[key]
			switch {
			case ok && o.Op == "add":
				d.properties[key] = o.Value
			case ok && o.Op == "remove" && there:
				delete(d.properties, key)
			default:
				answerJSON(w, http.StatusBadRequest, map[string]any{"error": "can't apply " + o.Op + " " + o.Path})
				return
			}
		}
		if d.lose {
			d.lose = false
			panic(http.ErrAbortHandler)
		}
	}
	answerJSON(w, http.StatusOK, map[string]any{"uuid": d.id, "name": "rack-1", "hardware_type": "baremetal", "properties": d.properties})
}

// Doni gets both values in one request, only where they differ, and has them removed where there were none.
func TestInventory(t *testing.T) {
	t.Parallel()
	d := &doni{id: "n1", properties: map[string]any{"management_address": "10.0.0.1", kernelField: "old"}}
	v := &Inventory{serve(t, "inventory", d)}
	ctx := context.Background()
	before, err := v.refs(ctx, "n1")
	if err != nil || before != (Refs{Kernel: "old"}) {
		t.Fatalf("%v, %v", before, err)
	}
	for _, lose := range []bool{false, true} {
		d.writes, d.lose = 0, lose
		if err := v.set(ctx, "n1", Refs{"k", "r"}); err != nil || d.writes != 1 || d.properties[ramdiskField] != "r" {
			t.Errorf("lost answer %v: %d writes, %v, %v", lose, d.writes, d.properties, err)
		}
		if err := v.set(ctx, "n1", Refs{"k", "r"}); err != nil || d.writes != 1 {
			t.Errorf("the same again: %d writes, %v", d.writes, err)
		}
		if err := v.set(ctx, "n1", before); err != nil || len(d.properties) != 2 || d.properties[kernelField] != "old" {
			t.Errorf("back: %v, %v", d.properties, err)
		}
	}
	if _, err := v.refs(ctx, "unknown"); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown hardware: %v", err)
	}
}
