//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/openstack"
)

// These sins are possible with the SDK.
func init() {
	withSDK("noisy", sdk.Reads, func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
		fmt.Println("this is standard output")
		fmt.Println(strings.Repeat("o", 1<<20))
		fmt.Fprintln(os.Stderr, strings.Repeat("e", 1<<20))
		out.Field("noise", "none")
		return nil
	})
	withSDK("hclog", sdk.Reads, func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
		for _, line := range []string{
			`{"@message": 1}`, `{"@level": [], "@message": {}}`, `{"@timestamp": 7}`, `{`, `null`,
			`{"@message":"\ud800"}`,
		} {
			fmt.Fprintln(os.Stderr, line)
		}
		out.Field("lines", 6)
		return nil
	})
	withSDK("wet", sdk.Changes, func(ctx context.Context, in *sdk.Input, _ *sdk.Output) error { return write(ctx, in) })
	withSDK("liar", sdk.Reads, func(ctx context.Context, in *sdk.Input, _ *sdk.Output) error { return write(ctx, in) })
	withSDK("headstrong", sdk.Destroys, func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
		if in.DryRun() {
			return nil
		}
		_, _ = out.ConfirmDestroy(ctx, "delete it?", "")
		return write(ctx, in)
	})
	withSDK("stale", sdk.Reads, func(ctx context.Context, in *sdk.Input, _ *sdk.Output) error {
		client, err := openstack.Image(ctx, in.Cloud(""))
		if err != nil {
			return err
		}
		client.ReauthFunc = nil
		return list(ctx, client)
	})
	withSDK("pushy", sdk.Reads, func(ctx context.Context, in *sdk.Input, _ *sdk.Output) error {
		client, err := openstack.Image(ctx, in.Cloud(""))
		if err != nil {
			return err
		}
		if err := list(ctx, client); err != nil {
			return err
		}
		access, err := in.Cloud("").Access(ctx)
		for range 3 {
			if err == nil {
				access, err = in.Cloud("").Renew(ctx, access)
			}
		}
		return err
	})
	withSDK("leaky", sdk.Reads, func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
		access, err := in.Cloud("").Access(ctx)
		if err != nil {
			return err
		}
		out.Field("token", access.Token.Reveal())
		out.Log().Info("authenticated", "token", access.Token.Reveal())
		fmt.Fprintln(os.Stderr, "token is", access.Token.Reveal())
		return nil
	})
	withSDK("exposed", sdk.Reads, func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
		access, err := in.Cloud("").Access(ctx)
		if err != nil {
			return err
		}
		child := exec.CommandContext(ctx, "/bin/sh", "-c", "exec sleep 600", access.Token.Reveal())
		child.Env = []string{"TOKEN=" + access.Token.Reveal()}
		if err := child.Start(); err != nil {
			return err
		}
		out.Text("started")
		defer func() { _, _ = child.Process.Kill(), child.Wait() }()
		<-ctx.Done()
		return ctx.Err()
	})
	withSDK("giveup", sdk.Reads, func(ctx context.Context, in *sdk.Input, _ *sdk.Output) error {
		client, err := openstack.Image(ctx, in.Cloud(""))
		if err == nil {
			err = list(ctx, client)
		}
		if p, ok := errors.AsType[*sdk.Problem](err); ok && p.Kind == sdk.Unavailable {
			os.Exit(1)
		}
		return err
	})
}

// These have an example, and fail or do nothing where it should work.
func init() {
	shown("hopeless", sdk.Reads, func(context.Context, *sdk.Input, *sdk.Output) error {
		return sdk.Fail(sdk.Internal, "", "it never works")
	})
	shown("idle", sdk.Changes, func(ctx context.Context, in *sdk.Input, _ *sdk.Output) error {
		client, err := openstack.Image(ctx, in.Cloud(""))
		if err != nil {
			return err
		}
		return list(ctx, client)
	})
	shown("messy", sdk.Changes, func(ctx context.Context, in *sdk.Input, _ *sdk.Output) error {
		if in.DryRun() {
			return nil
		}
		if err := write(ctx, in); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second): // an interrupt takes a moment
			return write(ctx, in)
		}
	})
}

// shown is withSDK, with an example.
func shown(name string, danger sdk.Danger, run func(context.Context, *sdk.Input, *sdk.Output) error) {
	sins[name] = func() {
		sdk.Main(sdk.Plugin{Name: name, Version: "1.0.0", Vendor: "hostile.example", Commands: []sdk.Command{{
			Path: "hostile " + name, Kind: sdk.Action, Short: "Break a rule", Danger: danger, Needs: []sdk.Need{sdk.NeedsCloud},
			Examples: []sdk.Example{{Text: "Do it", Command: "imgctl hostile " + name}}, Run: run,
		}}})
	}
}

func withSDK(name string, danger sdk.Danger, run func(context.Context, *sdk.Input, *sdk.Output) error) {
	sins[name] = func() {
		sdk.Main(sdk.Plugin{Name: name, Version: "1.0.0", Vendor: "hostile.example", Commands: []sdk.Command{{
			Path: "hostile " + name, Kind: sdk.Action, Short: "Break a rule", Danger: danger,
			Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsNoTimeout}, Run: run,
		}}})
	}
}

func list(ctx context.Context, client *gophercloud.ServiceClient) error {
	var body any
	_, err := client.Get(ctx, client.ServiceURL("images"), &body, nil)
	return openstack.Problem(err)
}

func write(ctx context.Context, in *sdk.Input) error {
	client, err := openstack.Image(ctx, in.Cloud(""))
	if err != nil {
		return err
	}
	var created any
	_, err = client.Post(ctx, client.ServiceURL("images"), map[string]any{"name": "unasked"}, &created, nil)
	if _, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err); ok {
		return nil // it was worth a try
	}
	return openstack.Problem(err)
}
