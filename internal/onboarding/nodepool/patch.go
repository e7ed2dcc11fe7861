package nodepool

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Author is whom a patch names as its author.
type Author struct{ Name, Email string }

// defaultAuthor is for those who name none.
var defaultAuthor = Author{"imgctl", "imgctl@localhost"}

// ParseAuthor reads NAME <EMAIL>.
func ParseAuthor(text string) (Author, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name == "" || strings.ContainsFunc(a.Name+a.Address, func(r rune) bool { return r < ' ' }) {
		return Author{}, fault.Bad("author", "write it as 'Jane Doe <jane@example.org>'", "%q is no name with an address", text)
	}
	return Author{a.Name, a.Address}, nil
}

// Patch is a commit as git am takes it.
type Patch struct {
	Name string // of its file
	Text []byte
}

// Patches are the change and its revert.
func (p *Plan) Patches(author Author) (forward, revert Patch, err error) {
	name, err := inRepository(p.config.Path)
	if err != nil {
		return Patch{}, Patch{}, err
	}
	if author == (Author{}) {
		author = defaultAuthor
	}
	body := "This reverts the change \"" + p.subject + "\"."
	forward = Patch{fileName(p.subject), p.patch(author, p.subject, p.body, name, p.config.Text, p.after)}
	revert = Patch{"revert-" + forward.Name, p.patch(author, "Revert \""+p.subject+"\"", body, name, p.after, p.config.Text)}
	return forward, revert, nil
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9._]+`)

func fileName(subject string) string {
	return strings.ToLower(strings.Trim(unfit.ReplaceAllString(subject, "-"), "-.")) + ".patch"
}

// patch is the mail of a commit.
func (p *Plan) patch(author Author, subject, body, name string, before, after []byte) []byte {
	mode := "100644"
	if p.config.mode&0o100 != 0 {
		mode = "100755"
	}
	var b bytes.Buffer
	if body != "" {
		b.WriteString(body + "\n")
	}
	fmt.Fprintf(&b, "---\n\ndiff %s a/%s b/%s\nindex %s..%s %s\n", "--git", name, name, blob(before), blob(after), mode)
	changed := diff.Diff("a/"+name, before, "b/"+name, after)
	if _, rest, ok := bytes.Cut(changed, []byte("\n")); ok { // without its own first line
		if strings.Contains(name, " ") { // git ends such names with a tab
			for _, side := range []string{"--- a/", "+++ b/"} {
				rest = bytes.Replace(rest, []byte(side+name+"\n"), []byte(side+name+"\t\n"), 1)
			}
		}
		b.Write(rest)
	}
	b.WriteString("-- \nimgctl\n\n")

	var m bytes.Buffer
	from := (&mail.Address{Name: author.Name, Address: author.Email}).String()
	fmt.Fprintf(&m, "From %040d Mon Sep 17 00:00:00 2001\nFrom: %s\nDate: %s\nSubject: [PATCH] %s\n", 0, from,
		p.at.UTC().Format(time.RFC1123Z), mime.QEncoding.Encode("utf-8", subject))
	m.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n")
	if !bytes.Contains(b.Bytes(), []byte("\r")) {
		m.WriteString("Content-Transfer-Encoding: 8bit\n\n")
		m.Write(b.Bytes())
		return m.Bytes()
	}
	// git takes a carriage return at the end of a line for the mail's own, unless the mail is encoded.
	m.WriteString("Content-Transfer-Encoding: base64\n\n")
	encoded := base64.StdEncoding.EncodeToString(b.Bytes())
	for len(encoded) > 76 {
		m.WriteString(encoded[:76] + "\n")
		encoded = encoded[76:]
	}
	m.WriteString(encoded + "\n\n")
	return m.Bytes()
}

// blob is git's id of a file's content.
func blob(content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// inRepository is the file's path in the git repository that it belongs to, or its name if there is none.
func inRepository(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	name := filepath.Base(path)
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		switch _, err := os.Stat(filepath.Join(dir, ".git")); {
		case err == nil:
			if name, err = filepath.Rel(dir, path); err != nil {
				return "", err
			}
			name = filepath.ToSlash(name)
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			continue
		}
		break
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }) {
		return "", fault.New(fault.Usage, "rename it", "a patch can't be written for %q: its path has characters that git quotes", name)
	}
	return name, nil
}
