package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func itoa(n int) string { return strconv.Itoa(n) }

// shipped is the configuration that packuilon's users start from.
const shipped = `[global]
QUEUE = build-queue
RABBIT_HOST = RabbitMQ-host
RABBIT_PORT = 5672
RABBIT_USER = guest
RABBIT_PW = gu#est;%x

[cdb2rabbit]
PROFILE_INFO_URL = http://server/profiles/profiles-info.xml
PROFILE_DIR_URL = http://server/profiles/
PROFILE_MATCH = .cloud.template.json
CACHE_DIR = /etc/packer-utils/profiles/

[rabbit2packer]
THREAD_COUNT = 4
LOG_DIR = /etc/packer-utils/log/
BUILD_FILE_DIR = /etc/packer-utils/build/
PACKER_AUTH_FILE = packer-auth.sh
PACKER_ADMIN_AUTH = admin-auth.sh
PACKER_TEMPLATE_MAP = template-map.json
IMAGES_CONFIG = source-images.json
PACKER_PATH = /home/packer/packer/packer

[rally-image-testing]
DEPLOYMENT_UUID = x
`

func TestReadPackuilons(t *testing.T) {
	t.Parallel()
	file := write(t, shipped)
	c, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	beside := func(name string) string { return filepath.Join(filepath.Dir(file), name) }
	want := &Config{
		File: file, LegacyQueue: "build-queue",
		Index: "http://server/profiles/profiles-info.xml", Profiles: "http://server/profiles/", Match: ".cloud.template.json",
		Cache: "/etc/packer-utils/profiles/", Slots: 4, LogDir: "/etc/packer-utils/log/", BuildDir: "/etc/packer-utils/build/",
		AuthFile: beside("packer-auth.sh"), AdminAuthFile: beside("admin-auth.sh"), TemplateMap: beside("template-map.json"),
		SourceImages: beside("source-images.json"), PackerBinary: "/home/packer/packer/packer", FirstRun: Seed, Dependants: true,
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
	if got := c.QueueFile(); got != "" {
		t.Errorf("the queue is in %s, and not in RabbitMQ", got)
	}
	urls, err := c.queue.addresses()
	if want := []string{"amqp://guest:gu%23est;%25x@RabbitMQ-host:5672/"}; err != nil || !cmp.Equal(want, urls) {
		t.Errorf("addresses: %v %v", urls, err)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Read(write(t, "[cdb2rabbit]\nPROFILE_MATCH =\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.QueueFile() != DefaultQueue || c.LegacyQueue != "build-queue" || c.Match != "" || c.Slots != 4 {
		t.Errorf("%+v in %s", c, c.QueueFile())
	}
}

func TestOwnSection(t *testing.T) {
	t.Parallel()
	file := write(t, shipped+`[imgctl]
RABBIT_URLS = amqps://build@one/ci
  amqps://other:given@two/ci
RABBIT_PASSWORD_FILE = password
NAME_STYLE = hostname
FIRST_RUN = build-all
IGNORE_PATHS = /metadata/*/time, /system/serial
CONSUME_LEGACY_QUEUE = yes
ATTEMPTS = 3
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "password"), []byte("se/cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(c.Ignore, []string{"/metadata/*/time", "/system/serial"}) || c.FirstRun != BuildAll || !c.ConsumeLegacy ||
		c.NameStyle != "hostname" || c.Attempts != 3 {
		t.Errorf("%+v", c)
	}
	urls, err := c.queue.addresses()
	if want := []string{"amqps://build:se%2Fcret@one/ci", "amqps://other:given@two/ci"}; err != nil || !cmp.Equal(want, urls) {
		t.Errorf("addresses: %v %v", urls, err)
	}
	c, err = Read(write(t, shipped+"[imgctl]\nQUEUE_FILE = queue.db\n"))
	if err != nil || filepath.Base(c.QueueFile()) != "queue.db" || !filepath.IsAbs(c.QueueFile()) {
		t.Errorf("QUEUE_FILE: %v %v", c, err)
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[global]\nQUEUE =\n":                                 "config.ini:2: QUEUE is empty; remove the line for its default",
		"[rabbit2packer]\nTHREAD_COUNT = 0\n":                 "config.ini:2: THREAD_COUNT: expected a number from 1",
		"[imgctl]\nFIRST_RUN = all\n":                         "config.ini:2: FIRST_RUN: expected seed or build-all",
		"[imgctl]\nCONSUME_LEGACY_QUEUE = perhaps\n":          "config.ini:2: CONSUME_LEGACY_QUEUE: expected yes or no",
		"[imgctl]\nQUEU_FILE = x\n":                           "config.ini:2: unknown key QUEU_FILE in [imgctl]; did you mean QUEUE_FILE?",
		"[imgctl]\nQUEUE_FILE = x\nRABBIT_URLS = amqp://h/\n": "has both QUEUE_FILE and RABBIT_URLS",
		"[imgctl]\nRABBIT_CERT_FILE = x\n":                    "need each other",
		strings.Repeat("#", maxSize+1):                        "larger than 1 MiB",
	} {
		_, err := Read(write(t, text))
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, expected %s", text, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.ini")); !fault.Is(err, fault.NotFound) {
		t.Errorf("no file: %v", err)
	}
	c, err := Read(write(t, "[cdb2rabbit]\nPROFILE_MACH = x\nSOMETHING_ELSE_OF_THE_SITE = y\n[site]\nQUEU = z\n"))
	note := ":2: unknown key PROFILE_MACH in [cdb2rabbit]; did you mean PROFILE_MATCH?"
	if err != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], note) {
		t.Errorf("a misspelled key: %v %v", c, err)
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	t.Parallel()
	c, err := Read(write(t, "[imgctl]\nRABBIT_URLS = amqp://user:hush@%zz/\nRABBIT_PASSWORD_FILE = password\n"))
	if err == nil {
		_ = os.WriteFile(c.queue.passwordFile, []byte("hush\n"), 0o600)
		_, err = c.OpenQueue(t.Context())
	}
	if !fault.Is(err, fault.Usage) || strings.Contains(err.Error(), "hush") {
		t.Errorf("an address that is no URL: %v", err)
	}
	c, err = Read(write(t, "[imgctl]\nRABBIT_URLS = amqp://user@127.0.0.1:1/\nRABBIT_PASSWORD_FILE = password\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "\nhush\n"} {
		_ = os.WriteFile(c.queue.passwordFile, []byte(text), 0o600)
		if _, err := c.OpenQueue(t.Context()); !fault.Is(err, fault.Usage) || strings.Contains(err.Error(), "hush") {
			t.Errorf("an empty password file: %v", err)
		}
	}
	_ = os.WriteFile(c.queue.passwordFile, []byte("hush\n"), 0o600)
	if _, err := c.OpenQueue(t.Context()); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody listens: %v", err)
	}
}
