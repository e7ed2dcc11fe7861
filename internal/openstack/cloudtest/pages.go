package cloudtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
)

// Answers serves one service as its documentation shows it: the body of each path and query, such as
// "/v1/stacks?limit=1000". Anything else is 404. The client's endpoint is below the path base.
func Answers(t *testing.T, kind, base string, bodies map[string]string) *gophercloud.ServiceClient {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.RequestURI()]
		if !ok {
			t.Logf("%s %s isn't there", r.Method, r.URL.RequestURI())
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: server.URL + base, Type: kind}
}
