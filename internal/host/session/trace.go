package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/redact"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// tracer shows the messages between host and plugin, in the order in which they come, without secrets. Nothing
// waits for it: if nobody reads standard error, messages are left out. A nil tracer shows nothing.
type tracer struct {
	command Command
	began   time.Time
	lines   chan string
	written chan struct{} // closed when all lines are

	mu      sync.Mutex
	closed  bool
	left    int             // lines left out
	secrets map[string]bool // prompts for secrets, by id
}

func newTracer(c Command) *tracer {
	if !c.Trace {
		return nil
	}
	t := &tracer{
		command: c, began: time.Now(), lines: make(chan string, unread), written: make(chan struct{}), secrets: map[string]bool{},
	}
	go func() {
		defer close(t.written)
		for line := range t.lines {
			c.Console.Say(c.Console.Style(console.Grey, line))
		}
	}()
	return t
}

// toPlugin shows what the host says.
func (t *tracer) toPlugin(m *pluginv1.HostMessage) {
	if t != nil {
		t.show("to", m)
	}
}

// fromPlugin shows what the plugin says.
func (t *tracer) fromPlugin(m *pluginv1.PluginMessage) {
	if t == nil {
		return
	}
	if p := m.GetPrompt(); p.GetKind() == pluginv1.PromptKind_PROMPT_KIND_SECRET {
		t.mu.Lock()
		t.secrets[p.GetId()] = true
		t.mu.Unlock()
	}
	t.show("from", m)
}

// close waits until what was said is shown.
func (t *tracer) close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.closed = true
	close(t.lines)
	t.mu.Unlock()
	<-t.written
	if t.left > 0 {
		t.command.Console.Say(fmt.Sprintf("%d messages between imgctl and the plugin aren't shown", t.left))
	}
}

func (t *tracer) show(direction string, m proto.Message) {
	what, body := t.masked(m)
	if what == "" {
		return // of a later protocol
	}
	text := fmt.Sprintf("%s %s %s: %s %s", time.Since(t.began).Round(time.Millisecond), direction, t.command.Name, what, body)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	select {
	case t.lines <- shorten(text, 2000):
	default:
		t.left++
	}
}

// masked is the message's kind, and the message as JSON without secrets.
func (t *tracer) masked(original proto.Message) (what, body string) {
	m := proto.Clone(original)
	field := m.ProtoReflect().WhichOneof(m.ProtoReflect().Descriptor().Oneofs().ByName("message"))
	if field == nil {
		return "", ""
	}
	inner := m.ProtoReflect().Get(field).Message()
	switch m := inner.Interface().(type) {
	case *pluginv1.Start:
		t.maskStart(m)
	case *pluginv1.Answer:
		t.mu.Lock()
		if t.secrets[m.GetId()] && m.GetText() != "" {
			m.Text = redact.Mark
		}
		t.mu.Unlock()
	case *pluginv1.CloudReply:
		if a := m.GetAccess(); a != nil {
			a.Token, a.Catalog, a.CaPem = redact.Mark, size(len(a.GetCatalog())), size(len(a.GetCaPem()))
		}
	case *pluginv1.Stdin:
		return string(field.Name()), fmt.Sprintf("%s, eof %v", size(len(m.GetData())), m.GetEof())
	case *pluginv1.Chunk:
		return string(field.Name()), size(len(m.GetData()))
	case *pluginv1.Secret:
		return string(field.Name()), redact.Mark
	}
	t.redact(inner)
	text, err := protojson.Marshal(inner.Interface())
	var compact bytes.Buffer
	if err != nil || json.Compact(&compact, text) != nil {
		return string(field.Name()), "that isn't valid"
	}
	return string(field.Name()), compact.String()
}

func size(bytes int) string { return fmt.Sprintf("(%d bytes)", bytes) }

// maskStart hides secret flags, and what may be secret of the environment and the configuration.
func (t *tracer) maskStart(m *pluginv1.Start) {
	for i, f := range m.GetFlags() {
		specified := slices.IndexFunc(t.command.Spec.GetFlags(), func(s *pluginv1.Flag) bool { return s.GetName() == f.GetName() })
		if specified >= 0 && t.command.Spec.GetFlags()[specified].GetSecret() && f.GetStringValue() != "" {
			m.Flags[i] = &pluginv1.FlagValue{
				Name: f.GetName(), IsSet: f.GetIsSet(), Value: &pluginv1.FlagValue_StringValue{StringValue: redact.Mark},
			}
		}
	}
	for name := range m.GetEnvironment() {
		m.Environment[name] = redact.Mark
	}
	for _, v := range m.GetConfig().GetFields() {
		maskValue(v)
	}
}

// maskValue hides the texts in a value.
func maskValue(v *structpb.Value) {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		kind.StringValue = redact.Mark
	case *structpb.Value_ListValue:
		for _, e := range kind.ListValue.GetValues() {
			maskValue(e)
		}
	case *structpb.Value_StructValue:
		for _, e := range kind.StructValue.GetFields() {
			maskValue(e)
		}
	}
}

// redact takes known secrets out of all texts, before JSON gives them another form.
func (t *tracer) redact(m protoreflect.Message) {
	clean := func(v protoreflect.Value) protoreflect.Value {
		return protoreflect.ValueOfString(t.command.Redactor.String(strings.ToValidUTF8(v.String(), "\uFFFD")))
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		text, message := f.Kind() == protoreflect.StringKind, f.Message() != nil
		switch {
		case f.IsMap():
			t.redactMap(f, m.Mutable(f).Map(), clean)
		case f.IsList():
			for i := range v.List().Len() {
				if text {
					v.List().Set(i, clean(v.List().Get(i)))
				} else if message {
					t.redact(v.List().Get(i).Message())
				}
			}
		case text:
			m.Set(f, clean(v))
		case message:
			t.redact(v.Message())
		}
		return true
	})
}

// redactMap does it for a map's keys, too.
func (t *tracer) redactMap(f protoreflect.FieldDescriptor, entries protoreflect.Map, clean func(protoreflect.Value) protoreflect.Value) {
	type entry struct {
		key   protoreflect.MapKey
		value protoreflect.Value
	}
	var all []entry
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		all = append(all, entry{k, v})
		return true
	})
	for _, e := range all {
		switch {
		case f.MapValue().Kind() == protoreflect.StringKind:
			e.value = clean(e.value)
		case f.MapValue().Message() != nil:
			t.redact(e.value.Message())
		}
		entries.Clear(e.key)
		entries.Set(clean(e.key.Value()).MapKey(), e.value)
	}
}
