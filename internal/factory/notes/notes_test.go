package notes_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/notes"
)

// post is a mail server, which keeps what it gets.
func post(t *testing.T) (address string, letters func() []string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var all []string
	serve := func(conn net.Conn) {
		defer conn.Close()
		say := func(line string) { fmt.Fprint(conn, line+"\r\n") }
		say("220 ready")
		r := bufio.NewReader(conn)
		to := ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch verb := strings.ToUpper(line); {
			case strings.HasPrefix(verb, "EHLO"):
				say("250 8BITMIME")
			case strings.HasPrefix(verb, "RCPT"):
				to += strings.TrimSpace(line) + " "
				say("250 ok")
			case strings.HasPrefix(verb, "DATA"):
				say("354 go on")
				var text strings.Builder
				for {
					if line, err = r.ReadString('\n'); err != nil {
						return
					}
					if line == ".\r\n" {
						break
					}
					text.WriteString(line)
				}
				mu.Lock()
				all = append(all, to+"\n"+text.String())
				mu.Unlock()
				say("250 ok")
			case strings.HasPrefix(verb, "QUIT"):
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String(), func() []string { mu.Lock(); defer mu.Unlock(); return all }
}

var failed = notes.Note{
	Outcome: notes.Dead, Image: "web\r\nBcc: evil@example.com ü", Message: "4711", Attempt: 5,
	Reason: "Quota exceeded\n.\n<!channel> for cores",
	Log:    "/var/log/x", Worker: "host/1",
}

func TestMail(t *testing.T) {
	t.Parallel()
	server, letters := post(t)
	o := notes.Options{
		FailureAddress: "Ops <ops@example.com>, b@example.com", SuccessAddress: "good@example.com", Mail: notes.Mail{Server: server},
	}
	if err := o.Send(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	if err := o.Send(t.Context(), notes.Note{Outcome: notes.Built, Image: "web", IDs: []string{"i"}}); err != nil {
		t.Fatal(err)
	}
	got := letters()
	if len(got) != 2 || !strings.Contains(got[1], "good@example.com") {
		t.Fatalf("%q", got)
	}
	to, text, _ := strings.Cut(got[0], "\n")
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(to, "<ops@example.com>") || !strings.Contains(to, "<b@example.com>") || m.Header.Get("Bcc") != "" {
		t.Errorf("%s %v", to, m.Header)
	}
	body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	if err != nil || !strings.Contains(string(body), failed.Reason) || !strings.Contains(string(body), "/var/log/x") {
		t.Errorf("%s %v", body, err)
	}
	for _, bad := range []notes.Options{
		{FailureAddress: "no address", Mail: notes.Mail{Server: server}},
		{FailureAddress: "a@example.com", Mail: notes.Mail{Server: "127.0.0.1:1"}},
		{FailureAddress: "a@example.com", Mail: notes.Mail{Server: server, RequireTLS: true}},
		{FailureAddress: "a@example.com", Mail: notes.Mail{Server: server, From: "x"}},
	} {
		if err := bad.Send(t.Context(), failed); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(text)
		w.WriteHeader(status)
	}))
	defer s.Close()
	o := notes.Options{SuccessChat: s.URL + "/good", FailureChat: s.URL + "/secret-chat", Webhook: s.URL + "/secret-hook"}
	if err := o.Send(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	chat, hook := <-got, <-got
	if !strings.HasPrefix(chat, `/secret-chat {"text":`) || strings.Contains(chat, "<!") || !strings.Contains(chat, "Quota exceeded") {
		t.Error(chat)
	}
	var n notes.Note
	path, text, _ := strings.Cut(hook, " ")
	err := json.Unmarshal([]byte(text), &n)
	if err != nil || path != "/secret-hook" || n.Reason != failed.Reason || n.Version != 1 || n.At.IsZero() {
		t.Errorf("%s %v", hook, err)
	}
	status = http.StatusForbidden
	if err := o.Send(t.Context(), failed); err == nil || strings.Contains(err.Error(), "secret-") || !strings.Contains(err.Error(), "403") {
		t.Error(err)
	}
	s.Close()
	if err := o.Send(t.Context(), failed); err == nil || strings.Contains(err.Error(), "secret-") {
		t.Error(err)
	}
}
