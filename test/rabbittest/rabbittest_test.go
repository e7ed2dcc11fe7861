package rabbittest_test

import (
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

// What is sent to one node of a cluster is on the others when that node has died.
func TestClusterOutlivesANode(t *testing.T) {
	t.Parallel()
	nodes := rabbittest.StartCluster(t, 3)
	// RabbitMQ closes a channel on which something fails.
	channel := func(s *rabbittest.Server) *amqp.Channel {
		t.Helper()
		conn, err := amqp.Dial(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		c, err := conn.Channel()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := channel(nodes[0])
	if err := c.Confirm(false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.QueueDeclare("jobs", true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		t.Fatal(err)
	}
	confirmed, err := c.PublishWithDeferredConfirmWithContext(t.Context(), "", "jobs", true, false, amqp.Publishing{Body: []byte("job")})
	if err != nil || !confirmed.Wait() {
		t.Fatalf("not confirmed, %v", err)
	}
	nodes[0].Kill()
	var got string
	for deadline := time.Now().Add(time.Minute); got == ""; time.Sleep(100 * time.Millisecond) {
		m, ok, err := channel(nodes[1]).Get("jobs", true)
		if ok {
			got = string(m.Body)
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing from the second node: %v", err)
		}
	}
	if got != "job" {
		t.Errorf("got %q from the second node", got)
	}
}
