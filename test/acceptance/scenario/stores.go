package scenario

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/test/storetest"
)

// swift starts a script's Swift, and stores objects in it.
func swift(ctx context.Context, s script, _ io.Writer, args []string) error {
	if len(args) == 1 && args[0] == "start" {
		return s.startSwift(ctx)
	}
	if s.swift == nil {
		return fmt.Errorf("there is no Swift: start it first")
	}
	if len(args) < 2 {
		return errUsage
	}
	verb, name, args := args[0], args[1], args[2:]
	if verb == "container" {
		return s.container(ctx, name, args)
	}
	if len(args) < 1 {
		return errUsage
	}
	data, err := os.ReadFile(s.ts.MkAbs(args[0]))
	if err != nil {
		return err
	}
	header := map[string]string{}
	for _, word := range args[1:] {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return fmt.Errorf("%q is not HEADER=VALUE", word)
		}
		header[key] = value
	}
	middle := len(data) / 2
	halves := [][]byte{data[:middle], data[middle:]}
	switch verb {
	case "put":
		return s.swift.Put(ctx, name, data, header)
	case "static":
		return s.swift.Static(ctx, name, halves, header)
	case "dynamic":
		return s.swift.Dynamic(ctx, name, halves, header)
	}
	return errUsage
}

func (s script) startSwift(ctx context.Context) error {
	dir, err := os.MkdirTemp(s.ts.Getenv("WORK"), ".swift")
	if err != nil {
		return err
	}
	if s.world.swift, err = storetest.StartSwift(ctx, dir); err != nil {
		return err
	}
	s.ts.Defer(s.swift.Stop)
	s.ts.Setenv("SWIFT", s.swift.URL)
	return nil
}

func (s script) container(ctx context.Context, name string, args []string) error {
	if err := s.swift.Container(ctx, name); err != nil || len(args) == 0 {
		return err
	}
	number, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return s.swift.List(ctx, name, number)
}

// web starts a web server of a folder, or prints what it was asked.
func web(ctx context.Context, s script, out io.Writer, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "start":
		dir, err := os.MkdirTemp(s.ts.Getenv("WORK"), ".web")
		if err != nil {
			return err
		}
		if s.world.web, err = storetest.StartWeb(ctx, dir, s.ts.MkAbs(args[1])); err != nil {
			return err
		}
		s.ts.Defer(s.web.Stop)
		s.ts.Setenv("WEB", s.web.URL)
		return nil
	case len(args) == 1 && args[0] == "log" && s.web != nil:
		text, err := s.web.Log()
		fmt.Fprint(out, text)
		return err
	}
	return errUsage
}
