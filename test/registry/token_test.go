package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	client "github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/test/registrytest"
)

// tokens is a token service: it signs what docker-registry's authorisation by tokens takes.
type tokens struct {
	url, certificate string // of the service; file that the registry trusts
	key              *ecdsa.PrivateKey
	chain            string

	mu     sync.Mutex
	valid  time.Duration
	issued []string // user and scope
}

// leeway is how long docker-registry takes a token after its end.
const leeway = time.Minute

func issue(t *testing.T) *tokens {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &tokens{key: key, certificate: filepath.Join(t.TempDir(), "token.pem"), valid: time.Hour}
	der, err := registrytest.SelfSigned(key)
	if err != nil {
		t.Fatal(err)
	}
	s.chain = base64.StdEncoding.EncodeToString(der)
	write(t, s.certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// ServeHTTP gives user "u" with password "p-word" a token for what is asked.
func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, password, _ := r.BasicAuth()
	s.issued = append(s.issued, user+" "+strings.Join(r.URL.Query()["scope"], " "))
	if user != "u" || password != "p-word" {
		http.Error(w, `{"errors":[{"code":"DENIED","message":"wrong password"}]}`, http.StatusUnauthorized)
		return
	}
	type access struct {
		Type    string   `json:"type"`
		Name    string   `json:"name"`
		Actions []string `json:"actions"`
	}
	var all []access
	for _, scope := range r.URL.Query()["scope"] {
		if parts := strings.Split(scope, ":"); len(parts) == 3 {
			all = append(all, access{parts[0], parts[1], strings.Split(parts[2], ",")})
		}
	}
	now := time.Now()
	text, err := s.sign(map[string]any{
		"iss": "test", "sub": user, "aud": "registry", "access": all, "jti": fmt.Sprint(len(s.issued)),
		"exp": now.Add(s.valid - leeway).Unix(), "nbf": now.Add(-2 * leeway).Unix(), "iat": now.Add(-2 * leeway).Unix(),
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	// It says an hour, whatever is true.
	_ = json.NewEncoder(w).Encode(map[string]any{"token": text, "expires_in": 3600})
}

func (s *tokens) sign(claims any) (string, error) {
	head, err := json.Marshal(map[string]any{"typ": "JWT", "alg": "ES256", "x5c": []string{s.chain}})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	a, b, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return "", err
	}
	raw := make([]byte, 64)
	a.FillBytes(raw[:32])
	b.FillBytes(raw[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}

func (s *tokens) expire(after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.valid = after
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := issue(t)
	from, to := start(t, settings{}), start(t, settings{tokens: s})
	paths := from.fill(t, 3, 100_000)
	login := map[string]client.Login{to.host: {User: "u", Password: "p-word"}}
	if _, err := copyAll(t, client.Options{Logins: login}, paths, from.host, to.host); err != nil {
		t.Fatal(err)
	}
	again, err := copyAll(t, client.Options{Logins: login}, paths, from.host, to.host)
	if err != nil || !again.Done() {
		t.Errorf("a second run: %v", err)
	}
	open := start(t, settings{images: to})
	for _, path := range paths {
		same(t, path, from, open)
	}
	_, err = copyAll(t, client.Options{}, paths, from.host, to.host)
	if !fault.Is(err, fault.Forbidden) {
		t.Errorf("without a login: %v", err)
	}
	// A registry of this kind doesn't tell strangers what it hasn't got.
	missing, err := copyAll(t, client.Options{Retries: -1}, []string{"ns/missing:1"}, to.host, from.host)
	if !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "an image that doesn't exist") {
		t.Errorf("a missing image: %v, %v", missing.Images[0].Err, err)
	}
}

// Tokens end while a blob is on its way, and the connection breaks: the rest is asked for with a new
// token, and nothing comes twice.
func TestATokenEndsInTheMiddleOfABlob(t *testing.T) {
	t.Parallel()
	s := issue(t)
	filled, to := start(t, settings{}), start(t, settings{})
	from := start(t, settings{tokens: s, images: filled})
	const size = 3_000_000
	path := filled.fill(t, 1, size)[0]
	source := from.watch(t)
	// The registry counts whole seconds: a new token is valid for two at least, so that a slow machine can use it.
	source.cut(3, size/4, func() { time.Sleep(4 * time.Second) })
	login := map[string]client.Login{source.host: {User: "u", Password: "p-word"}}
	s.expire(3 * time.Second)
	if _, err := copyAll(t, client.Options{Logins: login}, []string{path}, source.host, to.host); err != nil {
		t.Fatal(err)
	}
	if n := source.count("GET", "/blobs/", " 206"); n != 3 {
		t.Errorf("%d answers go on where the blob was cut; the log is %q", n, source.log)
	}
	if n := source.count(" 401"); n < 3 {
		t.Errorf("%d tokens had ended", n)
	}
	if n := source.sent.Load(); n > size+size/8 {
		t.Errorf("%d bytes were sent for a blob of %d", n, size)
	}
	same(t, path, filled, to)
}
