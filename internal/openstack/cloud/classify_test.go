package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func refusal(status int, body string, header ...string) error {
	h := http.Header{}
	for n := 0; n+1 < len(header); n += 2 {
		h.Set(header[n], header[n+1])
	}
	return gophercloud.ErrUnexpectedResponseCode{Actual: status, Body: []byte(body), ResponseHeader: h}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		kind fault.Kind
		text string
	}{
		{
			"Nova", refusal(400, `{"badRequest":{"code":400,"message":"Invalid imageRef provided."}}`, "X-Openstack-Request-Id", "req-1"),
			fault.Internal, "400 Bad Request: Invalid imageRef provided. (req-1)",
		},
		{
			"Nova's quota", refusal(403, `{"forbidden":{"code":403,"message":"Quota exceeded for cores"}}`, "X-Compute-Request-Id",
				"req-2"),
			fault.Quota, "403 Forbidden: Quota exceeded for cores (req-2)",
		},
		{
			"Neutron's quota", refusal(409, `{"NeutronError":{"type":"OverQuota","message":"Quota exceeded for resources: ['port'].","detail":""}}`),
			fault.Quota, "409 Conflict: Quota exceeded for resources: ['port'].",
		},
		{
			"Keystone", refusal(401, `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`),
			fault.Forbidden, "401 Unauthorized: The request you have made requires authentication.",
		},
		{
			"Glance", refusal(409, "<html>\n <head>\n  <title>409 Conflict</title>\n </head>\n <body>\n  <h1>409 Conflict</h1>\n  The "+
				"target member is already &quot;there&quot;.<br /><br />\n\n </body>\n</html>"),
			fault.Conflict, `409 Conflict: The target member is already "there".`,
		},
		{
			"Glance, asked for JSON", refusal(409,
				`{"message": "Image ID X already exists!<br /><br />\n\n\n", "code": "409 Conflict", "title": "Conflict"}`),
			fault.Conflict, "409 Conflict: Image ID X already exists!",
		},
		{
			"Ironic's framework", refusal(406, `{"error_message": "{\"code\": 406, \"title\": \"Not Acceptable\", \"description\": \"Too new.\"}"}`),
			fault.Internal, "406 Not Acceptable: Too new.",
		},
		{
			"Blazar", refusal(409, `{"error_code": 409, "error_message": "Not enough hosts available", "error_name": "NotEnoughHosts"}`),
			fault.Conflict, "409 Conflict: Not enough hosts available",
		},
		{
			"Ironic", refusal(409, `{"error_message": "{\"faultcode\": \"Client\", \"faultstring\": \"Node X is locked.\", \"debuginfo\": null}"}`),
			fault.Conflict, "409 Conflict: Node X is locked.",
		},
		{
			"Cinder's quota", refusal(413, `{"overLimit":{"code":413,"message":"VolumeLimitExceeded","retryAfter":"0"}}`), fault.Quota,
			"413 Request Entity Too Large: VolumeLimitExceeded",
		},
		{"not found", refusal(404, ""), fault.NotFound, "404 Not Found"},
		{"no server", refusal(503, "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this "+
			"request.\n</body></html>"), fault.Unavailable, "503 Service Unavailable: No server is available to handle this request."},
		{"too many", refusal(429, ""), fault.Unavailable, "429 Too Many Requests"},
		{"cancelled", fmt.Errorf("x: %w", context.Canceled), fault.Cancelled, "x: context canceled"},
		{"reset", fmt.Errorf("read: %w", syscall.ECONNRESET), fault.Unavailable, "read: connection reset by peer"},
		{"other", errors.New("other"), fault.Internal, "other"},
		{"known", fault.New(fault.Drift, "", "known"), fault.Drift, "known"},
		{"wrapped", fmt.Errorf("booting: %w", refusal(404, "")), fault.NotFound, "404 Not Found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Classify(tt.err)
			if fault.KindOf(got) != tt.kind || got.Error() != tt.text {
				t.Errorf("%s: %q, want %s: %q", fault.KindOf(got), got, tt.kind, tt.text)
			}
			if !errors.Is(got, tt.err) && errors.Unwrap(tt.err) != nil {
				t.Errorf("%v lost its cause", got)
			}
		})
	}
	if Classify(nil) != nil {
		t.Error("nil is an error")
	}
	if !gophercloud.ResponseCodeIs(Classify(refusal(409, "")), 409) {
		t.Error("the status can't be asked for any more")
	}
}
