package main

import (
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// writeReference writes what the protocol's comments say as Markdown.
func writeReference(file string, f protoreflect.FileDescriptor) error {
	r := &reference{file: f}
	r.line("# Protocol of plugins: %s\n", f.Package())
	r.line("Generated from %s/%s; [Plugins](../plugins.md) is the introduction.\n", "plugins/sdk/proto", f.Path())
	r.line("%s\n", preface(f))
	for i := range f.Services().Len() {
		r.service(f.Services().Get(i))
	}
	r.line("## Messages\n")
	for i := range f.Messages().Len() {
		r.message(f.Messages().Get(i))
	}
	r.line("## Enums\n")
	for i := range f.Enums().Len() {
		r.enum(f.Enums().Get(i))
	}
	return os.WriteFile(file, []byte(strings.TrimRight(r.text.String(), "\n")+"\n"), 0o644)
}

type reference struct {
	file protoreflect.FileDescriptor
	text strings.Builder
}

func (r *reference) line(format string, args ...any) { fmt.Fprintf(&r.text, format+"\n", args...) }

// preface is the comment at the top of the file, before the syntax.
func preface(f protoreflect.FileDescriptor) string {
	location := f.SourceLocations().ByPath(protoreflect.SourcePath{12})
	return unindent(strings.Join(append(location.LeadingDetachedComments, location.LeadingComments), "\n"))
}

// unindent takes the blank behind // away.
func unindent(comment string) string {
	return strings.TrimSpace(strings.ReplaceAll("\n"+comment, "\n ", "\n"))
}

func (r *reference) comment(d protoreflect.Descriptor) string {
	return unindent(r.file.SourceLocations().ByDescriptor(d).LeadingComments)
}

// cell is a comment in one line, for a table.
func (r *reference) cell(d protoreflect.Descriptor) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(r.comment(d)), " "), "|", `\|`)
}

func (r *reference) service(s protoreflect.ServiceDescriptor) {
	r.line("## Service %s\n\n%s\n", s.Name(), r.comment(s))
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		r.line("### %s(%s) → %s\n\n%s\n", m.Name(), streamed(m.IsStreamingClient(), m.Input()), streamed(m.IsStreamingServer(), m.Output()),
			r.comment(m))
	}
}

func streamed(stream bool, m protoreflect.MessageDescriptor) string {
	if stream {
		return "stream of " + string(m.Name())
	}
	return string(m.Name())
}

func (r *reference) message(m protoreflect.MessageDescriptor) {
	if m.IsMapEntry() {
		return
	}
	r.line("### %s\n", m.Name())
	if c := r.comment(m); c != "" {
		r.line("%s\n", c)
	}
	if m.Fields().Len() == 0 {
		return
	}
	r.line("| field | no. | type | |\n|---|---|---|---|")
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		note := r.cell(f)
		if o := f.ContainingOneof(); o != nil {
			note = strings.TrimSpace("One of " + string(o.Name()) + ". " + note)
		}
		r.line("| `%s` | %d | %s | %s |", f.Name(), f.Number(), typeOf(f), note)
	}
	r.line("")
}

func typeOf(f protoreflect.FieldDescriptor) string {
	if f.IsMap() {
		return "map of " + typeOf(f.MapKey()) + " to " + typeOf(f.MapValue())
	}
	name := f.Kind().String()
	var named protoreflect.Descriptor
	switch {
	case f.Message() != nil:
		named = f.Message()
	case f.Enum() != nil:
		named = f.Enum()
	}
	if named != nil {
		name = strings.TrimPrefix(string(named.FullName()), "google.protobuf.")
		if named.ParentFile() == f.ParentFile() {
			name = fmt.Sprintf("[%s](#%s)", named.Name(), strings.ToLower(string(named.Name())))
		}
	}
	if f.IsList() {
		return "list of " + name
	}
	return name
}

func (r *reference) enum(e protoreflect.EnumDescriptor) {
	r.line("### %s\n", e.Name())
	if c := r.comment(e); c != "" {
		r.line("%s\n", c)
	}
	r.line("| value | no. | |\n|---|---|---|")
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		r.line("| `%s` | %d | %s |", v.Name(), v.Number(), r.cell(v))
	}
	r.line("")
}
