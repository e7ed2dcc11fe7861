// Package config reads packuilon's config.ini, with the keys that the factory adds to it.
package config

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Default is where packuilon's configuration file is.
const Default = "/etc/packer-utils/config.ini"

// The first run of a watch: treat the profiles that are there as built, or build all of them.
const (
	Seed     = "seed"
	BuildAll = "build-all"
)

// Config is what the file says. Paths are absolute; those in the file are relative to its folder.
type Config struct {
	// File is where it was read.
	File string
	// Notes are what looks like a mistake in the sections that packuilon reads.
	Notes []string

	// From [global].
	LegacyQueue                                      string // packuilon's own queue, with bare profiles in it
	SuccessAddress, FailureAddress, SlackSuccessHook string // "" for none

	// From [cdb2rabbit]. Index and Profiles are URLs or paths. Index is "" if Profiles is a folder that has none.
	// Match is part of the name of each profile to watch; "" is in all names.
	Index, Profiles, Match, Cache string

	// From [rabbit2packer].
	Slots                                                                              int
	LogDir, BuildDir, AuthFile, AdminAuthFile, TemplateMap, SourceImages, PackerBinary string

	// From [imgctl].
	NameStyle     string // how images get their names
	FirstRun      string // Seed or BuildAll
	Ignore        []string
	ProfileCA     string // certificates of the authorities of the server with the profiles; "" for the system's
	Attempts      int    // 0 for the queue's default
	ConsumeLegacy bool   // take messages of LegacyQueue, too
	Dependants    bool   // when an image becomes current, build those that start from it

	// From [imgctl], too: who is told how builds end; "" for nobody. SMTPPassword is a file.
	SlackFailureHook, Webhook                    string
	SMTPServer, SMTPFrom, SMTPUser, SMTPPassword string
	SMTPRequireTLS                               bool

	queue queueConfig
}

// key is one that is known: where it is, its default, and where its value goes.
type key struct {
	section, name, otherwise string
	into                     func(text string) error
	empty                    bool // an empty value has a meaning
}

func text(into *string) func(string) error {
	return func(s string) error { *into = s; return nil }
}

func list(into *[]string) func(string) error {
	return func(s string) error {
		*into = strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' || r == ' ' || r == '\t' })
		return nil
	}
}

func number(into *int) func(string) error {
	return func(s string) (err error) {
		if *into, err = strconv.Atoi(s); err != nil || *into < 1 {
			return fmt.Errorf("expected a number from 1, this is %q", s)
		}
		return nil
	}
}

func yes(into *bool) func(string) error {
	return func(s string) error {
		switch strings.ToLower(s) {
		case "1", "yes", "true", "on":
			*into = true
		case "0", "no", "false", "off":
			*into = false
		default:
			return fmt.Errorf("expected yes or no, this is %q", s)
		}
		return nil
	}
}

func oneOf(into *string, words ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("expected %s, this is %q", strings.Join(words, " or "), s)
		}
		*into = s
		return nil
	}
}

// path is a path, or a URL.
func (c *Config) path(into *string) func(string) error {
	return func(s string) error {
		switch {
		case strings.HasPrefix(s, "file://"):
			s = strings.TrimPrefix(s, "file://")
		case strings.Contains(s, "://"):
			*into = s
			return nil
		}
		if !filepath.IsAbs(s) {
			s = filepath.Join(filepath.Dir(c.File), s)
		}
		*into = s
		return nil
	}
}

// The sections.
const (
	global  = "global"
	watcher = "cdb2rabbit"
	worker  = "rabbit2packer"
	rally   = "rally-image-testing"
	own     = "imgctl"
)

func (c *Config) keys() []key {
	ignored := func(string) error { return nil }
	q := &c.queue
	return []key{
		{section: global, name: "QUEUE", otherwise: "build-queue", into: text(&c.LegacyQueue)},
		{section: global, name: "RABBIT_HOST", into: text(&q.host)},
		{section: global, name: "RABBIT_PORT", otherwise: "5672", into: text(&q.port)},
		{section: global, name: "RABBIT_USER", otherwise: "guest", into: text(&q.user)},
		{section: global, name: "RABBIT_PW", otherwise: "guest", into: text(&q.password), empty: true},
		{section: global, name: "SUCCESS_ADDRESS", into: text(&c.SuccessAddress), empty: true},
		{section: global, name: "FAILURE_ADDRESS", into: text(&c.FailureAddress), empty: true},
		{section: global, name: "SLACK_SUCCESS_HOOK", into: text(&c.SlackSuccessHook), empty: true},
		{section: watcher, name: "PROFILE_INFO_URL", into: c.path(&c.Index)},
		{section: watcher, name: "PROFILE_DIR_URL", into: c.path(&c.Profiles)},
		{section: watcher, name: "PROFILE_MATCH", otherwise: ".cloud.template.json", into: text(&c.Match), empty: true},
		{section: watcher, name: "CACHE_DIR", otherwise: "/etc/packer-utils/profiles/", into: c.path(&c.Cache)},
		{section: worker, name: "THREAD_COUNT", otherwise: "4", into: number(&c.Slots)},
		{section: worker, name: "LOG_DIR", otherwise: "/etc/packer-utils/log/", into: c.path(&c.LogDir)},
		{section: worker, name: "BUILD_FILE_DIR", otherwise: "/etc/packer-utils/build/", into: c.path(&c.BuildDir)},
		{section: worker, name: "PACKER_AUTH_FILE", otherwise: "packer-auth.sh", into: c.path(&c.AuthFile)},
		// Packuilon's configuration sets the first one, and its script reads the second.
		{section: worker, name: "PACKER_ADMIN_AUTH", otherwise: "admin-auth.sh", into: c.path(&c.AdminAuthFile)},
		{section: worker, name: "PACKER_ADMIN_AUTH_FILE", into: c.path(&c.AdminAuthFile)},
		{section: worker, name: "PACKER_TEMPLATE_MAP", otherwise: "template-map.json", into: c.path(&c.TemplateMap)},
		{section: worker, name: "IMAGES_CONFIG", otherwise: "source-images.json", into: c.path(&c.SourceImages)},
		{section: worker, name: "PACKER_PATH", otherwise: "/home/packer/packer/packer", into: c.path(&c.PackerBinary)},
		{section: rally, name: "DEPLOYMENT_UUID", into: ignored},
		{section: rally, name: "RALLY_CODE_FOLDER", into: ignored},
		{section: rally, name: "TASK_LOCATION", into: ignored},
		{section: rally, name: "LOG_DIR", into: ignored},
		{section: rally, name: "TASK_UUID_EXTRACTION", into: ignored},
		{section: rally, name: "UUID_FILE", into: ignored},
		{section: rally, name: "RALLY_JSON_RESULTS", into: ignored},
		{section: own, name: "QUEUE_FILE", into: c.path(&q.file)},
		{section: own, name: "QUEUE_NAME", into: text(&q.name)},
		{section: own, name: "RABBIT_URLS", into: list(&q.urls)},
		{section: own, name: "RABBIT_PASSWORD_FILE", into: c.path(&q.passwordFile)},
		{section: own, name: "RABBIT_CA_FILE", into: c.path(&q.ca)},
		{section: own, name: "RABBIT_CERT_FILE", into: c.path(&q.cert)},
		{section: own, name: "RABBIT_KEY_FILE", into: c.path(&q.key)},
		{section: own, name: "CONSUME_LEGACY_QUEUE", into: yes(&c.ConsumeLegacy)},
		{section: own, name: "SLACK_FAILURE_HOOK", into: text(&c.SlackFailureHook)},
		{section: own, name: "WEBHOOK", into: text(&c.Webhook)},
		{section: own, name: "SMTP_SERVER", into: text(&c.SMTPServer)},
		{section: own, name: "SMTP_FROM", into: text(&c.SMTPFrom)},
		{section: own, name: "SMTP_USER", into: text(&c.SMTPUser)},
		{section: own, name: "SMTP_REQUIRE_TLS", into: yes(&c.SMTPRequireTLS)},
		{section: own, name: "SMTP_PASSWORD_FILE", into: c.path(&c.SMTPPassword)},
		{section: own, name: "REBUILD_DEPENDANTS", otherwise: "yes", into: yes(&c.Dependants)},
		{section: own, name: "ATTEMPTS", into: number(&c.Attempts)},
		{section: own, name: "NAME_STYLE", into: text(&c.NameStyle)},
		{section: own, name: "FIRST_RUN", otherwise: Seed, into: oneOf(&c.FirstRun, Seed, BuildAll)},
		{section: own, name: "IGNORE_PATHS", into: list(&c.Ignore)},
		{section: own, name: "PROFILE_CA_FILE", into: c.path(&c.ProfileCA)},
	}
}

// maxSize bounds the file, in bytes.
const maxSize = 1 << 20

// Read reads the file. An error names the line and the key, never a value that may be a secret.
func Read(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	switch {
	case err != nil:
		return nil, foreignfile.Unreadable(path, err)
	case len(b) > maxSize:
		return nil, fault.New(fault.Usage, "", "reading %s: it is larger than %d MiB", path, maxSize>>20)
	}
	file, err := parseINI(path, string(b))
	if err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	c := &Config{File: absolute}
	keys := c.keys()
	for _, k := range keys {
		if err := file.set(k); err != nil {
			return nil, err
		}
	}
	if c.Notes, err = file.unknown(keys); err != nil {
		return nil, err
	}
	return c, c.queue.check(path)
}

// set sets one key.
func (f *ini) set(k key) error {
	value, line, ok, err := f.get(k.section, k.name)
	switch {
	case err != nil:
		return err
	case !ok && k.otherwise == "":
		return nil
	case !ok:
		return k.into(k.otherwise)
	case value == "" && !k.empty:
		return f.errorf(line, "%s is empty; remove the line for its default", k.name)
	}
	if err := k.into(value); err != nil {
		return f.errorf(line, "%s: %w", k.name, err)
	}
	return nil
}

// unknown finds keys that nobody reads: an error in our section, otherwise a note if one looks misspelled.
func (f *ini) unknown(keys []key) (notes []string, err error) {
	for _, section := range f.order {
		var known []string
		for _, k := range keys {
			if k.section == section {
				known = append(known, k.name)
			}
		}
		entries := make([]entry, 0, len(f.sections[section]))
		for _, e := range f.sections[section] {
			entries = append(entries, e)
		}
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.line, b.line) })
		for _, e := range entries {
			if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, e.key) }) || known == nil {
				continue
			}
			near := foreignfile.Nearest(e.key, known)
			suggestion := ""
			if near != "" {
				suggestion = fmt.Sprintf("; did you mean %s?", near)
			}
			if section == own {
				return nil, f.errorf(e.line, "unknown key %s in [%s]%s", e.key, section, suggestion)
			}
			if near != "" {
				notes = append(notes, fmt.Sprintf("%s:%d: unknown key %s in [%s]%s", f.source, e.line, e.key, section, suggestion))
			}
		}
	}
	return notes, nil
}
