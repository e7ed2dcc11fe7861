// Command proto generates Go from .proto files without protoc: protocompile parses them, and the
// pinned protoc-gen-go and protoc-gen-go-grpc write the code beside them.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

var generators = []string{
	"google.golang.org/protobuf/cmd/protoc-gen-go",
	"google.golang.org/grpc/cmd/protoc-gen-go-grpc",
}

func main() {
	root := flag.String("root", ".", "folder that imports are relative to")
	docs := flag.String("docs", "", "write the reference of the file into this one, instead of code")
	flag.Parse()
	if err := run(context.Background(), *root, *docs, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "proto:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, docs string, files []string) error {
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := c.Compile(ctx, files...)
	if err != nil {
		return err
	}
	if docs != "" {
		return writeReference(docs, compiled[0])
	}
	// What protoc would hand its plugins, comments included.
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: files, Parameter: proto.String("paths=source_relative")}
	seen := map[string]bool{}
	for _, f := range compiled {
		request.ProtoFile = appendWithImports(request.ProtoFile, f, seen)
	}
	wire, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	for _, g := range generators {
		if err := generate(ctx, g, wire, root); err != nil {
			return fmt.Errorf("running %s: %w", g, err)
		}
	}
	return nil
}

// appendWithImports puts what a file imports before it, as generators expect.
func appendWithImports(all []*descriptorpb.FileDescriptorProto, f protoreflect.FileDescriptor,
	seen map[string]bool,
) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return all
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		all = appendWithImports(all, f.Imports().Get(i).FileDescriptor, seen)
	}
	return append(all, protodesc.ToFileDescriptorProto(f))
}

func generate(ctx context.Context, generator string, request []byte, root string) error {
	cmd := exec.CommandContext(ctx, "go", "tool", generator)
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return fmt.Errorf("it says: %s", response.GetError())
	}
	for _, f := range response.File {
		if err := os.WriteFile(filepath.Join(root, f.GetName()), []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
