package nova

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// KeyPair is a public key that servers can be given. It belongs to a user, not to a project.
type KeyPair struct {
	Name, Type, PublicKey, Fingerprint, UserID string
	CreatedAt                                  time.Time
	number                                     int
}

// KeyPairs returns a user's keypairs by name.
func (s *Service) KeyPairs(user string) []KeyPair {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []KeyPair
	for _, name := range slices.Sorted(maps.Keys(s.keys[user])) {
		out = append(out, *s.keys[user][name])
	}
	return out
}

func (k *KeyPair) body(r *http.Request) map[string]any {
	b := map[string]any{"name": k.Name, "public_key": k.PublicKey, "fingerprint": k.Fingerprint}
	if minor(r) >= 2 {
		b["type"] = k.Type
	}
	return b
}

func (s *Service) listKeyPairs(w http.ResponseWriter, r *http.Request) error {
	keys := s.KeyPairs(front.CallerOf(r).UserID)
	more := false
	if minor(r) >= 35 {
		var err error
		if keys, more, err = page(keys, s.quotas.MaxPage, r.URL.Query(), func(k KeyPair) string { return k.Name }); err != nil {
			return err
		}
	}
	list := []any{}
	for _, k := range keys {
		list = append(list, map[string]any{"keypair": k.body(r)})
	}
	out := map[string]any{"keypairs": list}
	if more {
		out["keypairs_links"] = nextLink(r, keys[len(keys)-1].Name)
	}
	answer.JSON(w, http.StatusOK, out)
	return nil
}

var (
	oldKeyName = regexp.MustCompile(`^[a-zA-Z0-9 _-]{1,255}$`)
	newKeyName = regexp.MustCompile(`^[a-zA-Z0-9 _@.-]{1,255}$`) // from 2.92 on
)

func (s *Service) createKeyPair(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if err := writer(c, "os_compute_api:os-keypairs:create"); err != nil {
		return err
	}
	q, err := decode[struct {
		Name      string `json:"name"`
		Type      string `json:"type"`
		PublicKey string `json:"public_key"`
		UserID    string `json:"user_id"`
	}](r, "keypair")
	if err != nil {
		return err
	}
	pattern := oldKeyName
	if minor(r) >= 92 {
		pattern = newKeyName
	}
	switch {
	case q.Name == "":
		return invalid("'name' is a required property")
	case !pattern.MatchString(q.Name) || strings.TrimSpace(q.Name) != q.Name:
		return answer.Fail(http.StatusBadRequest, "An invalid 'name' value was provided. The name must be: Only expected characters: "+
			"[_- 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ]")
	case q.Type != "" && minor(r) < 2:
		return unexpected("type")
	case q.Type != "" && q.Type != "ssh" && q.Type != "x509":
		return invalid("Invalid input for field/attribute type. Value: %s. '%s' is not one of ['ssh', 'x509']", q.Type, q.Type)
	case q.PublicKey == "" && minor(r) >= 92:
		return invalid("'public_key' is a required property")
	}
	k := &KeyPair{Name: q.Name, Type: "ssh", PublicKey: q.PublicKey, UserID: c.UserID, CreatedAt: s.now()}
	if q.Type != "" {
		k.Type = q.Type
	}
	private := ""
	if k.PublicKey == "" {
		if k.PublicKey, private, err = generate(); err != nil {
			return err
		}
	}
	if k.Fingerprint, err = fingerprint(k.PublicKey); err != nil {
		return answer.Fail(http.StatusBadRequest, "Keypair data is invalid: failed to generate fingerprint")
	}
	if err := s.addKey(k); err != nil {
		return err
	}
	b := k.body(r)
	b["user_id"] = k.UserID
	if private != "" {
		b["private_key"] = private
	}
	status := http.StatusOK
	if minor(r) >= 2 {
		status = http.StatusCreated
	}
	answer.JSON(w, status, map[string]any{"keypair": b})
	return nil
}

func (s *Service) addKey(k *KeyPair) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := s.keys[k.UserID]
	if mine == nil {
		mine = map[string]*KeyPair{}
		s.keys[k.UserID] = mine
	}
	if mine[k.Name] != nil {
		return answer.Fail(http.StatusConflict, "Key pair '%s' already exists.", k.Name)
	}
	if s.quotas.KeyPairs >= 0 && len(mine) >= s.quotas.KeyPairs {
		return answer.Fail(http.StatusForbidden, "Quota exceeded, too many key pairs.")
	}
	k.number = len(mine) + 1
	mine[k.Name] = k
	return nil
}

// generate makes a key as Nova does.
func generate() (public, private string, err error) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", err
	}
	pub, err := ssh.NewPublicKey(&k.PublicKey)
	if err != nil {
		return "", "", err
	}
	private = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)}))
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))) + " Generated-by-Nova", private, nil
}

func fingerprint(public string) (string, error) {
	pub, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil {
		return "", err
	}
	sum := md5.Sum(pub.Marshal()) // #nosec G401 -- Nova's fingerprints are MD5
	var b strings.Builder
	for i, c := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		const hex = "0123456789abcdef"
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String(), nil
}

func (s *Service) findKey(r *http.Request) (*KeyPair, error) {
	k := s.keys[front.CallerOf(r).UserID][r.PathValue("name")]
	if k == nil {
		return nil, answer.Fail(http.StatusNotFound, "Keypair %s not found for user %s", r.PathValue("name"), front.CallerOf(r).UserID)
	}
	return k, nil
}

func (s *Service) showKeyPair(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, err := s.findKey(r)
	if err != nil {
		return err
	}
	b := k.body(r)
	b["id"], b["user_id"], b["deleted"], b["created_at"], b["updated_at"], b["deleted_at"] = k.number, k.UserID, false,
		k.CreatedAt.Format("2006-01-02T15:04:05.000000"), nil, nil
	answer.JSON(w, http.StatusOK, map[string]any{"keypair": b})
	return nil
}

func (s *Service) deleteKeyPair(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.findKey(r)
	if err != nil {
		return err
	}
	if err := writer(front.CallerOf(r), "os_compute_api:os-keypairs:delete"); err != nil {
		return err
	}
	delete(s.keys[k.UserID], k.Name)
	status := http.StatusAccepted
	if minor(r) >= 2 {
		status = http.StatusNoContent
	}
	w.WriteHeader(status)
	return nil
}
