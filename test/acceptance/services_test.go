package acceptance_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Addresses of what a real cloud has beside OpenStack.
const (
	registryURL = "IMGCTL_ACCEPTANCE_REGISTRY" // such as http://127.0.0.1:5050
	brokerURL   = "IMGCTL_ACCEPTANCE_AMQP"     // such as amqp://USER:PASSWORD@127.0.0.1:5672/
)

func address(t *testing.T, variable string) string {
	t.Helper()
	a := os.Getenv(variable)
	if a == "" {
		t.Skipf("%s doesn't name one; `make acceptance` starts it", variable)
	}
	return a
}

// The registry takes an image of one layer and gives the layer back.
func TestRegistry(t *testing.T) {
	t.Parallel()
	repository := address(t, registryURL) + "/v2/acceptance/" + uuid.NewString()
	layer, config := []byte("a layer"), []byte("{}")
	for _, blob := range [][]byte{layer, config} {
		upload := ask(t, http.MethodPost, repository+"/blobs/uploads/", nil, http.StatusAccepted)
		to, err := upload.Location()
		if err != nil {
			t.Fatal(err)
		}
		query := to.Query()
		query.Set("digest", digest(blob))
		to.RawQuery = query.Encode()
		ask(t, http.MethodPut, to.String(), blob, http.StatusCreated)
	}
	const kind = "application/vnd.docker.distribution.manifest.v2+json"
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":%d,"digest":%q},`+
		`"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar","size":%d,"digest":%q}]}`, kind, len(config), digest(config),
		len(layer), digest(layer))
	ask(t, http.MethodPut, repository+"/manifests/latest", []byte(manifest), http.StatusCreated, "Content-Type", kind)
	got := ask(t, http.MethodGet, repository+"/blobs/"+digest(layer), nil, http.StatusOK)
	if body, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(body, layer) {
		t.Errorf("the layer is %q, %v", body, err)
	}
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// ask makes a request that has to get this answer. Its body may be read until the test ends.
func ask(t *testing.T, method, address string, body []byte, want int, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != want {
		t.Fatalf("%s %s: %s, want %d", method, req.URL.Path, resp.Status, want)
	}
	return resp
}

// The broker takes a message and delivers it.
func TestBroker(t *testing.T) {
	t.Parallel()
	connection, err := amqp.Dial(address(t, brokerURL))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	deliveries, err := channel.ConsumeWithContext(t.Context(), queue.Name, "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.PublishWithContext(t.Context(), "", queue.Name, true, false, amqp.Publishing{Body: []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	if got := <-deliveries; string(got.Body) != "hello" {
		t.Errorf("delivered %q", got.Body)
	}
}
