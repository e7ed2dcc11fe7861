package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/clouds"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/complete"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	"github.com/imgctl/packer-plugin-openstack/internal/host/session"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

var showFormats = render.ShowFormats

// Run carries out a plugin's command.
func (h *Host) Run(inv command.Invocation) error {
	h.running.Store(true)
	defer h.running.Store(false)
	h.redactor.Add(inv.Secrets()...)
	h.console.Quiet = inv.Global.Quiet
	start, err := h.start(inv)
	if err != nil {
		return err
	}
	process, err := h.launch(inv.Plugin, start.GetVerbosity())
	if err != nil {
		return err
	}
	h.process.Store(process)
	defer process.Close()
	broker := h.broker(inv.Global)
	defer broker.Close()
	var format render.Options
	if inv.Output != nil {
		format = inv.Output.Options(inv.Command, int(start.GetTerminal().GetColumns()))
	}
	return session.Run(context.Background(), session.Command{
		Name: inv.Plugin.Name, Trace: inv.Global.Debug, Process: process, Spec: inv.Spec, Start: start, Console: h.console,
		Clouds: &limited{broker: broker, judge: h.judge, plugin: inv.Plugin.Plugin}, Redactor: h.redactor,
		Format: format, Signals: h.signals, Asker: asker(inv.Plugin), Timeout: inv.Global.Timeout, Grace: grace(inv.Spec, start),
	})
}

// grace is how long the command may take after an interrupt: more than others if it runs until it is interrupted and
// its flag --grace says how long it may then go on.
func grace(spec *pluginv1.Command, start *pluginv1.Start) time.Duration {
	if !slices.Contains(spec.GetNeeds(), pluginv1.Need_NEED_LONG_RUNNING) {
		return session.Grace
	}
	for _, f := range start.GetFlags() {
		if f.GetName() == "grace" {
			return session.Grace + max(f.GetDurationValue().AsDuration(), 0)
		}
	}
	return session.Grace
}

// asker is who asks, where that isn't one of imgctl's own plugins.
func asker(p *inventory.Plugin) string {
	if p.Folder.Origin == discover.Packaged {
		return ""
	}
	return "plugin " + p.Name
}

// launch starts the plugin, as long as the user wants that.
func (h *Host) launch(p *inventory.Plugin, verbosity int32) (*launch.Process, error) {
	file, err := h.inventory.Open(p)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type started struct {
		process *launch.Process
		err     error
	}
	ready := make(chan started, 1)
	go func() {
		process, err := launch.Start(ctx, launch.Spec{
			Name: p.Name, Path: p.Path, File: file.File, SHA256: file.SHA256,
			Started: file.Started, Debugger: h.debugger(p.Name), Line: func(line string) {
				session.Stray(h.console, p.Name, verbosity, line)
			},
		})
		ready <- started{process, err}
	}()
	for {
		select {
		case s := <-ready:
			return s.process, s.err
		case signal := <-h.signals:
			if signal != session.Resized {
				cancel()
			}
		}
	}
}

// debuggerVariable names the variable with the name of a plugin that is to wait for a debugger at its start.
const debuggerVariable = "IMGCTL_DEBUGGER"

// debugger tells the user which process to attach a debugger to, if the plugin is the one; else it is nil.
func (h *Host) debugger(plugin string) func(pid int) {
	if os.Getenv(debuggerVariable) != plugin {
		return nil
	}
	return func(pid int) {
		h.console.Say(fmt.Sprintf("Plugin %s is process %[2]d, and waits for a debugger: attach one, such as with dlv attach %[2]d",
			plugin, pid))
	}
}

// programVariable names the variable in which a program that runs imgctl for its user, such as
// OpenStackClient, says what the user's command line begins with.
const programVariable = "IMGCTL_PROGRAM"

// start is what the plugin is told.
func (h *Host) start(inv command.Invocation) (*pluginv1.Start, error) {
	columns, rows := h.console.Size()
	start := &pluginv1.Start{
		Path: inv.Spec.GetPath(), Args: inv.Args, Flags: inv.Flags,
		Terminal: &pluginv1.Terminal{
			StdoutTty: h.console.OutTTY, StderrTty: h.console.ErrTTY, Columns: int32(columns), Rows: int32(rows),
			Colour: h.console.Colour, Utf8: h.console.UTF8,
		},
		Interactive: h.console.Interactive(), AssumeYes: inv.Yes, DryRun: inv.DryRun, Verbosity: inv.Global.Verbosity(),
		Locale: locale(), RunId: uuid.NewString(), Traceparent: os.Getenv("TRACEPARENT"), HostFeatures: inventory.Features,
		Program: os.Getenv(programVariable),
	}
	var err error
	if start.WorkDir, err = workDir(); err != nil {
		return nil, err
	}
	if start.Config, err = h.settings(inv.Plugin.Name); err != nil {
		return nil, err
	}
	for _, need := range inv.Spec.GetNeeds() {
		if need == pluginv1.Need_NEED_ENVIRONMENT {
			start.Environment = environment(os.Environ())
		}
	}
	return start, nil
}

// workDir is the user's working folder. Its name is known also where the user may not look into it, as
// after sudo -u from somebody else's home; os.Getwd gives up there if PWD is set.
func workDir() (string, error) {
	dir, err := os.Getwd()
	if errors.Is(err, fs.ErrPermission) {
		dir, err = syscall.Getwd()
	}
	if err != nil {
		return "", fault.New(fault.Usage, "change to a folder that exists", "finding the working folder: %w", err)
	}
	return dir, nil
}

// settings is the plugin's section of the user's configuration.
func (h *Host) settings(plugin string) (*structpb.Struct, error) {
	path := h.paths.settings()
	sections, err := readSettings(path)
	if err != nil {
		return nil, err
	}
	section, err := structpb.NewStruct(sections[plugin])
	if err != nil {
		return nil, fault.New(fault.Usage, "", "%s: the section of plugin %q: %w", path, plugin, err)
	}
	return section, nil
}

// readSettings are the plugins' sections of the file of settings; none if there is no file, or no way to it.
func readSettings(path string) (sections map[string]map[string]any, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil //nolint:nilerr // that is no error
	}
	var file struct {
		Plugins map[string]map[string]any `yaml:"plugins"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fault.New(fault.Usage, "mend it", "reading %s: %w", path, err)
	}
	return file.Plugins, nil
}

func (h *Host) broker(global *command.Global) *clouds.Broker {
	access := global.Default()
	if access.Cloud == "" {
		access.Cloud = os.Getenv("OS_CLOUD")
	}
	return clouds.New(access, h.redactor.Add)
}

// limited is the clouds that a plugin may use.
type limited struct {
	broker *clouds.Broker
	judge  *trust.Judge
	plugin discover.Plugin
}

// Access gives access to a cloud that the plugin may use.
func (l *limited) Access(ctx context.Context, name string, refresh bool) (*pluginv1.CloudAccess, error) {
	asked := name
	if asked == "" {
		asked = l.broker.Default()
	}
	if err := l.judge.MayAsk(l.plugin, asked); err != nil {
		return nil, err
	}
	return l.broker.Access(ctx, name, refresh)
}

// Complete asks the plugin for suggestions.
func (h *Host) Complete(inv command.Invocation, flag string, index int, prefix string) []string {
	request := &pluginv1.CompleteRequest{Path: inv.Spec.GetPath(), Prefix: prefix, Args: inv.Args, Flags: given(inv)}
	if flag != "" {
		request.Target = &pluginv1.CompleteRequest_Flag{Flag: flag}
	} else {
		request.Target = &pluginv1.CompleteRequest_Argument{Argument: int32(index)}
	}
	broker := h.broker(inv.Global)
	defer broker.Close()
	cache := complete.Cache{Folder: h.paths.answers()}
	return cache.Get(context.Background(), inv.Plugin.SHA256, request, broker.Default(),
		func(ctx context.Context, r *pluginv1.CompleteRequest) (*pluginv1.CompleteReply, error) {
			process, err := h.launch(inv.Plugin, -1)
			if err != nil {
				return nil, err
			}
			defer process.Close()
			access := &limited{broker: broker, judge: h.judge, plugin: inv.Plugin.Plugin}
			for _, name := range named(inv) {
				if a, err := access.Access(ctx, name, false); err == nil {
					r.Clouds = append(r.Clouds, a)
				}
			}
			return process.Complete(ctx, r)
		})
}

// named are the clouds that a command line names, the default one first.
func named(inv command.Invocation) []string {
	var names []string
	for _, need := range inv.Spec.GetNeeds() {
		if need == pluginv1.Need_NEED_CLOUD {
			names = append(names, "")
		}
	}
	for i, f := range inv.Spec.GetFlags() {
		if f.GetCompletion() != pluginv1.Completion_COMPLETION_CLOUD || i >= len(inv.Flags) || !inv.Flags[i].GetIsSet() {
			continue
		}
		if name := inv.Flags[i].GetStringValue(); name != "" {
			names = append(names, name)
		}
		names = append(names, inv.Flags[i].GetStringsValue().GetValues()...)
	}
	if len(names) == 0 && (os.Getenv("OS_CLOUD") != "" || inv.Global.Access.Cloud != "") {
		names = append(names, "")
	}
	return names
}

// given are the flags that the user gave. A file's path is absolute: a plugin that completes doesn't know the user's
// folder, and its answers are kept for all of them.
func given(inv command.Invocation) []*pluginv1.FlagValue {
	dir, err := workDir()
	var set []*pluginv1.FlagValue
	for i, f := range inv.Flags {
		if !f.GetIsSet() {
			continue
		}
		path := f.GetStringValue()
		isFile := i < len(inv.Spec.GetFlags()) && inv.Spec.GetFlags()[i].GetType() == pluginv1.FlagType_FLAG_TYPE_FILE
		if isFile && err == nil && path != "" && path != "-" && !filepath.IsAbs(path) {
			f = proto.CloneOf(f)
			f.Value = &pluginv1.FlagValue_StringValue{StringValue: filepath.Join(dir, path)}
		}
		set = append(set, f)
	}
	return set
}
