package sdk_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// TestMain makes the test's binary the plugin that the tests talk to.
func TestMain(m *testing.M) {
	if os.Getenv(handshake.CookieKey) != "" || os.Getenv("SDK_BY_HAND") != "" {
		os.Args = append(os.Args[:1], strings.Fields(os.Getenv("SDK_BY_HAND"))...)
		sdk.Main(testPlugin)
	}
	os.Exit(m.Run())
}

var testPlugin = sdk.Plugin{Name: "trial", Version: "1.2.3", Vendor: "example.org", Commands: []sdk.Command{
	{
		Path: "trial values", Kind: sdk.List, Short: "Show what becomes of Go's values",
		Columns: sdk.Columns{{Title: "Value"}},
		Run: func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
			for _, v := range []any{
				nil, "text", "bad \xff byte", true, 7, int64(1) << 60, 1.5, 90 * time.Second, time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
				[]string{"a", "b"},
				map[string]int{"n": 1},
				struct {
					ID  string `json:"id"`
					Big int64  `json:"big"`
				}{"x", 1 << 60},
				sdk.NewSecret("canary"), io.EOF, uint8(3),
			} {
				out.Row(v)
			}
			return nil
		},
	},
	{
		Path: "trial inputs", Kind: sdk.Show, Short: "Show what arrived",
		Args: []sdk.Arg{sdk.One("FIRST", "the first"), sdk.ZeroOrMore("REST", "the rest")},
		Flags: sdk.Flags{
			sdk.String("text", "none", "text"), sdk.Bool("on", "a switch"), sdk.Int("count", 3, "a number"),
			sdk.Float("ratio", 0.5, "a ratio"), sdk.Duration("age", 36*time.Hour, "an age"), sdk.Bytes("size", 1<<30, "a size"),
			sdk.Enum("pick", "one", "a choice", "one", "two"), sdk.Strings("tags", "tags"), sdk.KeyValue("property", "properties"),
			sdk.File("file", "", "a file").Short("F"), sdk.Time("since", "a time"), sdk.CloudName("to", "a cloud"),
			sdk.String("key", "", "a secret").Secret(),
		},
		Run: func(_ context.Context, in *sdk.Input, out *sdk.Output) error {
			out.Field("args", append([]string{in.Arg("FIRST")}, in.ArgValues("REST")...))
			out.Field("text", in.String("text"))
			out.Field("set", in.IsSet("text"))
			out.Field("on", in.Bool("on"))
			out.Field("count", in.Int("count"))
			out.Field("ratio", in.Float("ratio"))
			out.Field("age", in.Duration("age"))
			out.FieldIn("size", in.Bytes("size"), sdk.UnitBytes)
			out.Field("pick", in.String("pick"))
			out.Field("tags", in.Strings("tags"))
			out.Field("property", in.KeyValues("property"))
			out.Field("file", in.File("file"))
			out.Field("since", in.Time("since"))
			out.Field("key", in.Secret("key"))
			return nil
		},
	},
	{
		Path: "trial required", Kind: sdk.Action, Short: "Need a flag", Flags: sdk.Flags{sdk.String("name", "", "a name").Required()},
		Run: func(context.Context, *sdk.Input, *sdk.Output) error { return nil },
	},
	{
		Path: "trial fail", Kind: sdk.Action, Short: "Fail in some way", Args: []sdk.Arg{sdk.One("HOW", "how")},
		Flags: sdk.Flags{sdk.Bool("on", "a switch")},
		Run: func(_ context.Context, in *sdk.Input, out *sdk.Output) error {
			switch in.Arg("HOW") {
			case "problem":
				return fmt.Errorf("sharing: %w", &sdk.Problem{
					Kind: sdk.Quota, Err: io.ErrUnexpectedEOF, Hint: "remove some", Retryable: true,
					RequestIDs: []string{"req-1"}, Details: []sdk.Detail{{Subject: "web", Message: "413"}},
				})
			case "panic":
				panic("trial")
			case "undeclared":
				in.String("nothing")
			case "type":
				in.Int("on")
			case "row":
				out.Row(1)
			case "value":
				out.Field("f", func() {})
			case "unchanged":
				out.Unchanged()
			}
			return nil
		},
	},
	{
		Path: "trial wait", Kind: sdk.Action, Short: "Wait until interrupted",
		Args: []sdk.Arg{sdk.Optional("FILE", "a file to write when cleaning up")},
		Run: func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
			out.Text("waiting")
			<-ctx.Done()
			cleanup, cancel := sdk.Cleanup(ctx)
			defer cancel()
			if in.Arg("FILE") == "" {
				<-cleanup.Done()
				out.Textf("cleanup: %v", context.Cause(cleanup))
				return ctx.Err()
			}
			select {
			case <-time.After(200 * time.Millisecond):
			case <-cleanup.Done():
			}
			fmt.Fprintln(os.Stderr, "cleaning up") // nobody may read this any more
			if err := os.WriteFile(in.Path(in.Arg("FILE")), []byte("clean"), 0o600); err != nil {
				return err
			}
			return ctx.Err()
		},
	},
	{
		Path: "trial ask", Kind: sdk.Action, Short: "Ask in all ways", Danger: sdk.Destroys,
		Run: func(ctx context.Context, _ *sdk.Input, out *sdk.Output) error {
			ok, err := out.ConfirmDestroy(ctx, "delete web?", "web")
			if err != nil {
				return err
			}
			if !ok {
				return sdk.ErrDeclined
			}
			name, err := out.Ask(ctx, "name?", "web")
			if err != nil {
				return err
			}
			secret, err := out.AskSecret(ctx, "password?")
			if err != nil {
				return err
			}
			choice, err := out.Choose(ctx, "which?", "a", "a", "b")
			out.Text(name + " " + secret.Reveal() + " " + choice)
			return err
		},
	},
	{
		Path: "trial copy", Kind: sdk.Raw, Short: "Copy standard input to standard output", Needs: []sdk.Need{sdk.NeedsStdin},
		Run: func(_ context.Context, in *sdk.Input, out *sdk.Output) error {
			if _, err := io.Copy(out.Stdout(), in.Stdin()); err != nil {
				return err
			}
			fmt.Fprint(out.Stderr(), "copied")
			return sdk.Exit(7)
		},
	},
	{
		Path: "trial rows", Kind: sdk.List, Short: "Send many rows", Flags: sdk.Flags{sdk.Int("count", 10, "how many")},
		Columns: sdk.Columns{{Title: "N"}, {Title: "Text"}},
		Run: func(_ context.Context, in *sdk.Input, out *sdk.Output) error {
			text := strings.Repeat("x", 100)
			for i := range in.Int("count") {
				out.Row(i, text)
			}
			return nil
		},
	},
	{
		Path: "trial progress", Kind: sdk.Action, Short: "Report more progress than anybody reads",
		Run: func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
			p := out.ProgressOf("upload", 100_000, sdk.UnitBytes)
			part := p.Part("part", 0, 0)
			for range 100_000 {
				p.Add(1)
			}
			part.Skip("not needed")
			part.Done("too late")
			p.Done("all there")
			return nil
		},
	},
	{
		Path: "trial noise", Kind: sdk.List, Short: "Write to places where nothing belongs", Columns: sdk.Columns{{Title: "N"}},
		Run: func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
			fmt.Fprintln(os.Stderr, strings.Repeat("e", 1<<20))
			fmt.Println(strings.Repeat("o", 1<<20))
			fmt.Fprintln(os.Stderr, `{"@message": 1}`)
			out.Log().With("with", 1).WithGroup("g").Warn("logged", "token", sdk.NewSecret("canary"), "err", io.EOF)
			out.Log().Debug("only with -v")
			out.Row(1)
			return nil
		},
	},
	{
		Path: "trial clouds", Kind: sdk.Show, Short: "Ask for clouds", Needs: []sdk.Need{sdk.NeedsCloud},
		Flags: sdk.Flags{sdk.CloudName("to", "a cloud").Completes(sdk.CompleteDynamically)},
		Run: func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
			access, err := in.Cloud("").Access(ctx)
			if err != nil {
				return err
			}
			out.CrossOut(access.Token)
			out.Field("token", access.Token)
			out.Field("hash", base64.StdEncoding.EncodeToString([]byte(access.Token.Reveal())))
			var together sync.WaitGroup
			for range 8 {
				together.Go(func() { _, _ = in.Cloud("").Renew(ctx, access) })
			}
			together.Wait()
			renewed, err := in.Cloud("").Access(ctx)
			if err != nil {
				return err
			}
			out.Field("renewed", base64.StdEncoding.EncodeToString([]byte(renewed.Token.Reveal())))
			_, err = in.Cloud("missing").Access(ctx)
			return err
		},
		Complete: func(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
			access, err := in.Cloud("").Access(ctx)
			if err != nil {
				return nil, err
			}
			return []sdk.Suggestion{{Value: what.Flag + "-" + access.Name, Help: "here"}, {Value: "other"}}, nil
		},
	},
}}

func run(t *testing.T, h conformance.Host, start *pluginv1.Start) *conformance.Recording {
	t.Helper()
	c, err := plugintest.Start(t, self(t)).Run(t.Context(), start, h)
	if err != nil {
		t.Fatal(err)
	}
	return c.Wait()
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Clean(path)
}

func command(words string, args ...string) *pluginv1.Start {
	return &pluginv1.Start{Path: strings.Fields(words), Args: args, WorkDir: "/srv/images"}
}

func fields(r *conformance.Recording) map[string]any {
	all := map[string]any{}
	for _, m := range r.Messages {
		for _, f := range m.GetFields().GetFields() {
			all[f.GetName()] = f.GetValue().AsInterface()
		}
	}
	return all
}

func texts(r *conformance.Recording) string {
	var all []string
	for _, m := range r.Messages {
		if m.GetText() != nil {
			all = append(all, m.GetText().GetText())
		}
	}
	return strings.Join(all, "\n")
}
