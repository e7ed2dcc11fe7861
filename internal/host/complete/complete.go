// Package complete asks plugins for suggestions while the user types, and caches them for a minute, so
// that the next key press starts no plugin.
package complete

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

const (
	// Lifetime is how long an answer is cached.
	Lifetime = time.Minute
	// Timeout is the maximum wait at a key press.
	Timeout = 5 * time.Second
	// most is how many suggestions are useful.
	most = 1000
)

type remembered struct {
	At          time.Time `json:"at"`
	Suggestions []string  `json:"suggestions"`
}

// Cache keeps answers in a folder that only the user can access.
type Cache struct{ Folder string }

// Get returns the suggestions for a question to the plugin with that checksum, from the cache or from the
// plugin, in cobra's form: a value, a tab, and its help.
func (c Cache) Get(ctx context.Context, sum string, r *pluginv1.CompleteRequest, cloud string,
	ask func(context.Context, *pluginv1.CompleteRequest) (*pluginv1.CompleteReply, error),
) []string {
	path := c.path(sum, r, cloud)
	if found, ok := read(path); ok {
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	reply, err := ask(ctx, r)
	if err != nil {
		return nil
	}
	suggestions := []string{}
	for _, s := range reply.GetSuggestions() {
		value := s.GetValue()
		if strings.ContainsAny(value, "\t\r\n") || len(suggestions) == most {
			continue // no line of its own
		}
		if s.GetHelp() != "" {
			value += "\t" + s.GetHelp()
		}
		suggestions = append(suggestions, value)
	}
	c.write(path, suggestions)
	return suggestions
}

// path is the file for a question, in which the clouds and secrets of flags don't appear.
func (c Cache) path(sum string, r *pluginv1.CompleteRequest, cloud string) string {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil || c.Folder == "" {
		return ""
	}
	h := sha256.New()
	for _, part := range []string{
		sum, cloud, os.Getenv("OS_CLIENT_CONFIG_FILE"), os.Getenv("OS_AUTH_URL"), os.Getenv("OS_PROJECT_NAME"),
		string(text),
	} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return filepath.Join(c.Folder, hex.EncodeToString(h.Sum(nil)[:16])+".json")
}

func read(path string) ([]string, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	var r remembered
	if json.Unmarshal(text, &r) != nil || time.Since(r.At) > Lifetime || r.At.After(time.Now()) {
		return nil, false
	}
	return r.Suggestions, true
}

func (c Cache) write(path string, suggestions []string) {
	text, err := json.Marshal(remembered{At: time.Now(), Suggestions: suggestions})
	if err != nil || path == "" {
		return
	}
	c.forget()
	_ = wholefile.Keep(path, text) // the next one asks again
}

// forget removes expired answers.
func (c Cache) forget() {
	old, err := filepath.Glob(filepath.Join(c.Folder, "*.json"))
	if err != nil {
		return
	}
	for _, path := range old {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > Lifetime {
			_ = os.Remove(path)
		}
	}
}
