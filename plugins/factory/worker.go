package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/chain"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/packer"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/roster"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func workerCommand() sdk.Command {
	return sdk.Command{
		Path: "factory worker", Kind: sdk.Action, Danger: sdk.Changes,
		Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsEnvironment, sdk.NeedsNoTimeout},
		Short: "Build and promote the images that the queue asks for",
		Long: "Takes requests from the factory's queue, builds the templates that packuilon's maps name for each profile with packer, " +
			"and promotes the images. Any number of workers, on any number of hosts, can share a queue in RabbitMQ. They build one " +
			"image of a name at a time, skip a request if a newer one for the same image waits, and recognise an image that a " +
			"request has already led to.\n\n" +
			"The credentials of --os-cloud promote; packer doesn't get them. It builds with those of --build-clouds and " +
			"--build-cloud.\n\n" +
			"A failed build is tried again after a pause; after several failures its request becomes a dead letter, as does at once a " +
			"request that can't be understood. On SIGTERM or Ctrl-C the worker takes no more requests, and running builds have " +
			"--grace to finish; then packer is interrupted, so that it removes its servers, and the requests return to the queue.\n\n" +
			"With --until-empty, the exit code is 3 if builds have failed.",
		Examples: []sdk.Example{
			{
				Text: "Build up to four images at once",
				Command: "imgctl --os-cloud admin factory worker --slots 4 --build-clouds /etc/imgctl/build-clouds.yaml " +
					"--build-cloud builder",
			},
			{Text: "Build what is in the queue, then end", Command: "imgctl --os-cloud admin factory worker --until-empty"},
		},
		Flags: append(sdk.Flags{
			configFlag(),
			sdk.Bool("until-empty", "end when no request is ready or being built; those that wait for their next try stay in the queue"),
		}, workerFlags()...),
		Run: bridge.Run(work),
	}
}

// workerFlags are those of commands that build.
func workerFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Int("slots", 0, "how many images to build at once (default: THREAD_COUNT of the configuration)").ValueName("N"),
		sdk.File("build-clouds", "", "clouds.yaml with the credentials that packer builds with").ValueName("FILE"),
		sdk.String("build-cloud", "", "entry of that file").ValueName("CLOUD"),
		sdk.String("packer", "", "packer's path or name (default: PACKER_PATH of the configuration if it is there, else packer)").
			ValueName("PROGRAM"),
		sdk.Strings("var-file", "file with variables for the templates").ValueName("FILE").Completes(sdk.CompleteFiles),
		sdk.Strings("env", "variable of the environment that packer gets in addition").ValueName("NAME"),
		sdk.Bool("parallel-templates", "build the templates of one image at once"),
		sdk.Duration("build-timeout", 4*time.Hour, "how long the build of a template may take"),
		sdk.Duration("grace", 30*time.Second, "how long running builds may go on when the worker is to end"),
		sdk.String("suffix", " next", "what templates put behind the name of a new image; it is promoted under the name without it"),
		sdk.Int("keep-logs", 20, "how many logs to keep of each image").ValueName("N"),
		sdk.Duration("keep-logs-for", 90*24*time.Hour, "how long to keep logs"),
		sdk.Bytes("keep-logs-size", 10<<30, "how much space all logs may take"),
	}
}

func work(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	if in.DryRun() {
		return wouldWork(ctx, in, out, c)
	}
	o, closeAll, err := readyWorker(ctx, in, out, c, in.Bool("until-empty"))
	if err != nil {
		return err
	}
	defer closeAll()
	return worker.Run(ctx, o, bridge.Reporter(in, out))
}

// wouldWork tells what there is to do.
func wouldWork(ctx context.Context, in *sdk.Input, out *sdk.Output, c *config.Config) error {
	if _, err := workerOptions(in, c); err != nil {
		return err
	}
	q, err := look(ctx, out, c)
	if err != nil {
		return err
	}
	defer q.Close()
	count, err := q.Count(ctx)
	if err != nil {
		return err
	}
	out.Field("ready", count.Ready)
	out.Field("waiting", count.Waiting)
	out.Unchanged()
	return nil
}

// readyWorker is a worker with its queue and its cloud, on the roster of this machine. One that ends when the queue is
// empty doesn't wait for a queue that isn't there.
func readyWorker(ctx context.Context, in *sdk.Input, out *sdk.Output, c *config.Config, untilEmpty bool) (
	o worker.Options, closeAll func(), err error,
) {
	if o, err = workerOptions(in, c); err != nil {
		return o, nil, err
	}
	if o.Dependants, err = dependants(in, out, c); err != nil {
		return o, nil, err
	}
	if o.Notify, err = notify(ctx, in, out, c); err != nil {
		return o, nil, err
	}
	if o.UntilEmpty = untilEmpty; untilEmpty {
		o.Queue, err = c.OpenQueue(ctx)
	} else {
		o.Queue, err = await(ctx, in, out, c.OpenQueue)
	}
	if err != nil {
		return o, nil, err
	}
	access, images, err := promoter(ctx, in, out, c)
	if err != nil {
		return o, nil, errors.Join(err, o.Queue.Close())
	}
	o.Site = promote.Site{Images: images, Project: access.Project().ID, Admin: access.IsAdmin()}
	member, err := roster.Join(roster.Folder(c.LogDir))
	if err != nil {
		access.Close()
		return o, nil, errors.Join(err, o.Queue.Close())
	}
	o.Drain = member.Drain()
	return o, func() { member.Leave(); access.Close(); _ = o.Queue.Close() }, nil
}

// dependants asks for the builds of the images that start from one; nil if the configuration doesn't want that.
func dependants(in *sdk.Input, out *sdk.Output, c *config.Config) (func(context.Context, string) error, error) {
	if !c.Dependants || c.Profiles == "" {
		return nil, nil
	}
	o, err := chainOf(c)
	if err != nil {
		return nil, err
	}
	rep := bridge.Reporter(in, out)
	return func(ctx context.Context, image string) error {
		asked, err := chain.AskForDependants(ctx, o, image)
		if len(asked) > 0 {
			rep.Step("%s: asked for the builds of images that start from it: %s", image, strings.Join(asked, ", "))
		}
		return err
	}, nil
}

func workerOptions(in *sdk.Input, c *config.Config) (o worker.Options, err error) {
	o = worker.Options{
		Slots: cmp.Or(in.Int("slots"), c.Slots), TemplateMap: c.TemplateMap, SourceImages: c.SourceImages,
		Resolve: profile.Options{NameStyle: c.NameStyle}, Parallel: in.Bool("parallel-templates"), Timeout: in.Duration("build-timeout"),
		Suffix: in.String("suffix"), Grace: in.Duration("grace"),
		Keep: buildlog.Keep{Runs: in.Int("keep-logs"), Age: in.Duration("keep-logs-for"), Bytes: in.Bytes("keep-logs-size")},
		Packer: packer.Build{
			Program: program(in, c), Cleanup: cleanup, Env: packer.Environment(in.Environment(), in.Strings("env")...),
		},
	}
	if o.Logs, err = buildlog.In(c.LogDir); err != nil {
		return o, err
	}
	// What is wrong here would fail every build, and cost each message an attempt.
	if o.Packer.Program, err = o.Packer.Find(); err != nil {
		return o, err
	}
	for _, file := range in.Strings("var-file") {
		file = in.Path(file)
		if _, err := os.Stat(file); err != nil {
			return o, fault.Bad("var_file", "", "%w", err)
		}
		o.Packer.VarFiles = append(o.Packer.VarFiles, file)
	}
	file, entry := in.File("build-clouds"), in.String("build-cloud")
	if (file == "") != (entry == "") {
		return o, fault.New(fault.Usage, "", "%s and %s need each other", fault.Option("build-clouds"), fault.Option("build-cloud"))
	}
	return o, credentials(&o.Packer, c, file, entry)
}

// program is packer: a name, or a path that is relative to the user's folder.
func program(in *sdk.Input, c *config.Config) string {
	if name := in.String("packer"); name != "" {
		if strings.Contains(name, "/") {
			return in.Path(name)
		}
		return name
	}
	if _, err := os.Stat(c.PackerBinary); err == nil {
		return c.PackerBinary
	}
	return "packer"
}

// credentials gives packer those to build with, and nothing of those that promote.
func credentials(b *packer.Build, c *config.Config, file, entry string) (err error) {
	// Without this, packer would find the user's own clouds.yaml, which has the credentials that promote.
	b.Env["OS_CLIENT_CONFIG_FILE"] = os.DevNull
	if file != "" {
		if b.Secrets, err = config.CloudSecrets(file, entry); err != nil {
			return fault.Bad("build-clouds", "", "%w", err)
		}
		b.Env["OS_CLOUD"] = entry
		b.Env["OS_CLIENT_CONFIG_FILE"], err = filepath.Abs(file)
		return err
	}
	if _, err := os.Stat(c.AuthFile); err != nil {
		return nil //nolint:nilerr // templates may have credentials of their own
	}
	variables, err := config.OpenRC(c.AuthFile)
	if err != nil {
		return fault.About("PACKER_AUTH_FILE", err)
	}
	maps.Copy(b.Env, variables)
	b.Secrets = config.Secrets(variables)
	return nil
}

// cleanup is how long packer may take to remove what it has made; imgctl gives a command a minute.
const cleanup = 50 * time.Second
