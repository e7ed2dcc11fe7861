// Command imgctl-demo is a plugin that does everything a plugin can, for the host's tests.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "demo", Version: "1.2.3", Vendor: "example.org", Short: "Do everything that a plugin can",
		Commands: []sdk.Command{
			{
				Path: "demo rows", Aliases: []string{"ls"}, Kind: sdk.List, Short: "List rows", Run: rows,
				Long:     "List as many rows as are wanted.\n\nEach has a number.",
				Examples: []sdk.Example{{Text: "three rows", Command: "imgctl demo rows 3"}},
				Args:     []sdk.Arg{sdk.Optional("COUNT", "how many")},
				Columns:  sdk.Columns{{Title: "Number", Key: "n"}, {Title: "Name"}, {Title: "Size", Unit: sdk.UnitBytes, Hidden: true}},
			},
			{Path: "demo show", Kind: sdk.Show, Short: "Show one thing", Run: show},
			{Path: "demo delete", Kind: sdk.Action, Danger: sdk.Destroys, Short: "Delete a thing", Run: remove,
				Args: []sdk.Arg{sdk.One("NAME", "what to delete")}},
			{Path: "demo change", Kind: sdk.Action, Danger: sdk.Changes, Short: "Change a thing", Run: change},
			{Path: "demo ask", Kind: sdk.Action, Short: "Ask things", Run: ask},
			{Path: "demo spawn", Kind: sdk.Show, Short: "Leave a process behind", Run: spawn},
			{Path: "demo wait", Kind: sdk.Action, Short: "Wait to be stopped", Run: wait, Flags: sdk.Flags{
				sdk.Bool("stubborn", "don't stop"), sdk.Duration("cleanup", 0, "how long cleaning up takes"),
			}},
			{Path: "demo fail", Kind: sdk.List, Short: "Fail", Run: fail, Args: []sdk.Arg{sdk.One("KIND", "of failure")},
				Columns: sdk.Columns{{Title: "A"}}},
			{Path: "demo raw", Kind: sdk.Raw, Short: "Write bytes and exit with 7", Needs: []sdk.Need{sdk.NeedsStdin, sdk.NeedsEnvironment},
				Run: raw},
			{Path: "demo log", Kind: sdk.Raw, Short: "Write a log that isn't only text", Run: log},
			{Path: "demo convert", Kind: sdk.Raw, Short: "Read files and write others", Run: convert,
				Args: []sdk.Arg{sdk.One("FROM", "what to read").Completes(sdk.CompleteFiles),
					sdk.Optional("TO", "what to write").Writes()},
				Flags: sdk.Flags{
					sdk.File("also", "", "what to read as well"), sdk.Strings("more", "what else to read").Completes(sdk.CompleteFiles),
					sdk.String("key", "", "a secret").Secret(),
					sdk.File("html", "", "a file to write").Writes(), sdk.File("report", "", "a file to write").Writes(),
				}},
			{Path: "demo noise", Kind: sdk.Show, Short: "Print where it must not", Run: noise},
			{Path: "demo cloud", Kind: sdk.Show, Short: "Show the access to a cloud", Needs: []sdk.Need{sdk.NeedsCloud}, Run: cloud,
				Flags: sdk.Flags{sdk.CloudName("from", "a cloud"), sdk.Bool("both", "use the default cloud as well"),
					sdk.Bool("ids", "show ids as well")}},
			{Path: "demo leak", Kind: sdk.Show, Short: "Say the token wherever possible", Needs: []sdk.Need{sdk.NeedsCloud}, Run: leak},
			{Path: "demo leak-rows", Kind: sdk.List, Short: "Say the token in a title", Needs: []sdk.Need{sdk.NeedsCloud}, Run: leakRows},
			{Path: "demo leak-bytes", Kind: sdk.Raw, Short: "Say the token in bytes", Needs: []sdk.Need{sdk.NeedsCloud}, Run: leakBytes},
			{
				Path: "demo flags", Kind: sdk.Show, Short: "Show the flags' values", Run: flags, Complete: complete,
				Args: []sdk.Arg{sdk.One("FIRST", "the first").Completes(sdk.CompleteDynamically),
					sdk.ZeroOrMore("REST", "the rest; each may be empty").AllowEmpty()},
				Flags: sdk.Flags{
					sdk.String("text", "", "a text; empty for none").AllowEmpty().Short("t").Env("DEMO_TEXT"),
					sdk.Int("number", 3, "a number"), sdk.Duration("span", time.Hour, "a time"),
					sdk.Enum("colour", "red", "a colour", "red", "green"), sdk.Strings("names", "names").Completes(sdk.CompleteDynamically),
					sdk.KeyValue("property", "properties"), sdk.Bytes("size", 0, "a size"), sdk.String("password", "", "a secret").Secret(),
					sdk.File("file", "", "a file"),
					sdk.Bool("force", "really").Required(),
				},
			},
		},
	})
}

func rows(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	count := 3
	if arg := in.Arg("COUNT"); arg != "" {
		if _, err := fmt.Sscan(arg, &count); err != nil {
			return sdk.Fail(sdk.Usage, "", "COUNT %q isn't a number", arg)
		}
	}
	for i := range count {
		out.Row(i, fmt.Sprintf("name %d", i), i*1024)
	}
	return nil
}

func show(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	out.Field("id", "38b1")
	out.Field("dry run", in.DryRun())
	out.FieldIn("size", 3<<20, sdk.UnitBytes)
	out.Field("tags", []string{"a", "b"})
	out.Field("config", in.Config())
	return nil
}

func remove(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if in.DryRun() {
		out.Textf("would delete %s", in.Arg("NAME"))
		return nil
	}
	ok, err := out.ConfirmDestroy(ctx, "Delete "+in.Arg("NAME")+" for good?", in.Arg("NAME"))
	if err != nil || !ok {
		return errors.Join(err, sdk.Fail(sdk.Cancelled, "", "nothing was deleted"))
	}
	out.Textf("deleted %s", in.Arg("NAME"))
	return nil
}

func change(ctx context.Context, _ *sdk.Input, out *sdk.Output) error {
	ok, err := out.Confirm(ctx, "Change it?")
	if err != nil {
		return err
	}
	out.Field("changed", ok)
	return nil
}

func ask(ctx context.Context, _ *sdk.Input, out *sdk.Output) error {
	name, err := out.Ask(ctx, "Name", "nobody")
	if err != nil {
		return err
	}
	secret, err := out.AskSecret(ctx, "Secret")
	if err != nil {
		return err
	}
	choice, err := out.Choose(ctx, "Colour", "red", "red", "green")
	if err != nil {
		return err
	}
	out.Textf("name %s, secret %s of %d, colour %s", name, secret.Reveal(), len(secret.Reveal()), choice)
	return nil
}

func spawn(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
	child := exec.Command("sleep", "600")
	if err := child.Start(); err != nil {
		return err
	}
	out.Field("pid", child.Process.Pid)
	return nil
}

func wait(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	p := out.ProgressOf("waiting", 10, sdk.UnitBytes)
	p.Set(4)
	width := in.Terminal().Columns // before anybody who reads the next line can change it
	out.Log().Warn("waiting", "pid", os.Getpid())
	if in.Bool("stubborn") {
		select {}
	}
	for ctx.Err() == nil {
		if now := in.Terminal().Columns; now != width {
			width = now
			out.Log().Warn("resized", "width", width)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	cleanup, cancel := sdk.Cleanup(ctx)
	defer cancel()
	select {
	case <-time.After(in.Duration("cleanup")):
	case <-cleanup.Done():
	}
	out.Text("cleaned up")
	p.Done("")
	return ctx.Err()
}

func fail(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	kinds := map[string]sdk.ProblemKind{
		"internal": sdk.Internal, "not-found": sdk.NotFound, "ambiguous": sdk.Ambiguous, "forbidden": sdk.Forbidden, "quota": sdk.Quota,
		"conflict": sdk.Conflict, "usage": sdk.Usage, "partial": sdk.Partial, "drift": sdk.Drift, "unavailable": sdk.Unavailable,
		"cancelled": sdk.Cancelled,
	}
	switch kind := in.Arg("KIND"); kind {
	case "panic":
		panic("a defect")
	case "exit":
		fmt.Fprintln(os.Stderr, "the last words")
		os.Exit(9)
	case "drift":
		out.Row("what differs")
		fallthrough
	default:
		return &sdk.Problem{
			Kind: kinds[kind], Err: fmt.Errorf("doing %q: it is %s", "x", kind), Hint: "do something else", RequestIDs: []string{"req-1"},
			Details: []sdk.Detail{{Subject: "part", Message: "broke"}},
		}
	}
	return nil
}

func raw(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	given, err := io.ReadAll(in.Stdin())
	if err != nil {
		return err
	}
	fmt.Fprintf(out.Stdout(), "\x00%s", given)
	var names []string
	for name := range in.Environment() {
		if strings.HasPrefix(name, "OS_") || strings.HasPrefix(name, "DEMO_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	fmt.Fprintln(out.Stderr(), names)
	return sdk.Exit(7)
}

func convert(_ context.Context, in *sdk.Input, _ *sdk.Output) error {
	for _, file := range []string{in.Path(in.Arg("TO")), in.File("html"), in.File("report")} {
		if file == "" {
			continue
		}
		if err := os.WriteFile(file, []byte("written\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func noise(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
	fmt.Println("printed")
	// os.Stderr has become a message of go-plugin's; this is the descriptor itself, which the host reads.
	raw := os.NewFile(2, "stderr")
	fmt.Fprintln(raw, `{"@message": 1}`)
	fmt.Fprintln(raw, strings.Repeat("y", 1<<20))
	fmt.Fprintln(raw, `{"@level": "info", "@message": "of no interest"}`)
	fmt.Fprintln(os.Stderr, strings.Repeat("x", 1<<20))
	out.Field("id", "1")
	return nil
}

func cloud(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if in.Bool("both") {
		if _, err := in.Cloud("").Access(ctx); err != nil {
			return err
		}
	}
	access, err := in.Cloud(in.String("from")).Access(ctx)
	if err != nil {
		return err
	}
	if access, err = in.Cloud(in.String("from")).Renew(ctx, access); err != nil {
		return err
	}
	out.Field("name", access.Name)
	out.Field("project", access.Project.Name)
	if in.Bool("ids") {
		out.Field("user_id", access.UserID)
		out.Field("project_id", access.Project.ID)
		out.Field("domain_id", access.Project.DomainID)
	}
	return nil
}

func leak(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	access, err := in.Cloud("").Access(ctx)
	if err != nil {
		return err
	}
	token := access.Token.Reveal()
	fmt.Println("stdout " + token)
	fmt.Fprintln(os.Stderr, "stderr "+token)
	out.Log().Error("log "+token, "token", token)
	out.Text("text " + token)
	out.Progress("label " + token).Fail("detail " + token)
	out.Field("field", token)
	backwards := []byte(token)
	slices.Reverse(backwards)
	out.Field("backwards", string(backwards)) // which nobody recognizes, so that the test knows what to look for
	out.Field("list", []string{token})
	out.Field(token, "the name of a field")
	out.Field("map", map[string]any{token: map[string]any{"in " + token: "a key"}})
	return fmt.Errorf("error %s", token)
}

func leakRows(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	access, err := in.Cloud("").Access(ctx)
	if err != nil {
		return err
	}
	out.Columns(sdk.Column{Title: "title " + access.Token.Reveal()}, sdk.Column{Title: "B"})
	out.Row("x", map[string]any{access.Token.Reveal(): access.Token.Reveal()})
	return nil
}

func leakBytes(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	access, err := in.Cloud("").Access(ctx)
	if err != nil {
		return err
	}
	token := access.Token.Reveal()
	for _, to := range []io.Writer{out.Stdout(), out.Stderr()} {
		for _, piece := range []string{"before ", token[:5], token[5:], " after\n"} {
			if _, err := io.WriteString(to, piece); err != nil {
				return err
			}
			time.Sleep(10 * time.Millisecond) // so that each is a message
		}
	}
	return nil
}

func flags(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	out.Field("args", in.Args())
	out.Field("text", in.String("text"))
	out.Field("number", in.Int("number"))
	out.Field("span", in.Duration("span").String())
	out.Field("colour", in.String("colour"))
	out.Field("names", in.Strings("names"))
	out.Field("property", in.KeyValues("property"))
	out.Field("size", in.Bytes("size"))
	out.Field("secret", len(in.Secret("password").Reveal()))
	return nil
}

func complete(_ context.Context, _ *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	var found []sdk.Suggestion
	for _, name := range []string{"alpha", "beta", "beta-2"} {
		if strings.HasPrefix(name, what.Prefix) {
			found = append(found, sdk.Suggestion{Value: name, Help: "of " + what.Flag + what.Arg})
		}
	}
	return found, nil
}

func log(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
	_, err := fmt.Fprint(out.Stdout(), "before\n\x1b[2J\x1b]0;title\x07after\n")
	_, _ = fmt.Fprint(out.Stderr(), "\x1b[8mhidden\n")
	return err
}
