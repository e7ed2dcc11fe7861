package keystone

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// s3Token says whom a signature of S3 is by.
func (s *Service) s3Token(r *http.Request, _ front.Caller) (int, any, error) {
	var q struct {
		Credentials struct{ Access, Signature, Token string }
	}
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	for _, row := range s.credentials.Rows() {
		var blob struct{ Access, Secret string }
		if row.Text("type") != "ec2" || json.Unmarshal([]byte(row.Text("blob")), &blob) != nil || blob.Access != q.Credentials.Access {
			continue
		}
		signed, err := base64.URLEncoding.DecodeString(q.Credentials.Token)
		if err != nil || !hmac.Equal([]byte(signature(signed, blob.Secret)), []byte(q.Credentials.Signature)) {
			break
		}
		now := s.clock.Now()
		t := &token{
			user: row.Text("user_id"), scope: scope{project: row.Text("project_id")}, methods: []string{"ec2credential"},
			issued: now, expires: now.Add(s.lifetime), audit: newID(),
		}
		return http.StatusOK, map[string]any{"token": s.tokenBody(t, r)}, nil
	}
	return 0, nil, errAuth
}

// signature is that of version 1 or 4 of S3's, which what is signed tells.
func signature(signed []byte, secret string) string {
	lines := strings.Split(string(signed), "\n")
	scope := []string{}
	if len(lines) == 4 && lines[0] == "AWS4-HMAC-SHA256" {
		scope = strings.Split(lines[2], "/")
	}
	if len(scope) != 4 || scope[3] != "aws4_request" {
		return base64.StdEncoding.EncodeToString(sum(sha1.New, []byte(secret), string(signed)))
	}
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = sum(sha256.New, key, part)
	}
	return hex.EncodeToString(sum(sha256.New, key, string(signed)))
}

func sum(of func() hash.Hash, key []byte, data string) []byte {
	mac := hmac.New(of, key)
	mac.Write([]byte(data))
	return mac.Sum(nil)
}
