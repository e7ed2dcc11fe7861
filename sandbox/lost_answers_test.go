package sandbox_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// TestLostAnswersTookEffect holds each kind of fault against what is in the image service afterwards.
func TestLostAnswersTookEffect(t *testing.T) {
	t.Parallel()
	for k, tt := range []struct {
		fault   sandbox.Fault
		status  int // 0 = an error instead of an answer
		created bool
	}{
		{sandbox.Fault{Do: sandbox.DropBefore}, 0, false},
		{sandbox.Fault{Do: sandbox.DropAfter}, 0, true},
		{sandbox.Status(503), 503, false},
		{sandbox.StatusAfter(500), 500, true},
		{sandbox.Fault{Do: sandbox.Truncate}, 0, true},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			t.Parallel()
			c := sandboxtest.Start(t, sandbox.Options{})
			demo := apitest.Login(t, c, "demo")
			c.Faults().Add(sandbox.Rule{Method: "POST", Path: "/image/v2/images", Nth: 1, Fault: tt.fault})
			id := fmt.Sprintf("7c0ffee0-0000-4000-8000-%012d", k)
			a, err := demo.Try(t.Context(), "POST", "/image/v2/images", map[string]any{"id": id})
			if a.Status != tt.status || (err == nil) == (tt.status == 0) {
				t.Errorf("status %d, error %v; want %d", a.Status, err, tt.status)
			}
			if _, created := c.Image(id); created != tt.created {
				t.Errorf("created %t, want %t", created, tt.created)
			}
			want := http.StatusCreated
			if tt.created {
				want = http.StatusConflict
			}
			demo.Do("POST", "/image/v2/images", map[string]any{"id": id}).Want(t, want)
		})
	}
}
