package quattor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// smallTimeout limits quick commands, such as writing or removing files.
const smallTimeout = 2 * time.Minute

// Result is what happened to the machine.
type Result struct {
	Hostname string
	Profile  string // URL
	Summary  Summary
}

// Apply does all of it. The files it made for itself are removed even when it fails or is
// cancelled. Options are those of WithDefaults.
func Apply(ctx context.Context, s Guest, o Options, r report.Reporter) (result Result, err error) {
	result.Hostname, err = s.wait(ctx, o, r)
	if err != nil {
		return result, err
	}
	if o.Hostname != "" {
		result.Hostname = o.Hostname
	}
	result.Profile, err = o.profile(Facts{Hostname: result.Hostname, Address: s.Address, ServerID: s.ServerID})
	if err != nil {
		return result, err
	}
	w := &work{Guest: s, Options: o, report: r, backup: o.ConfFile + ".imgctl-" + uuid.NewString()[:8]}
	defer func() {
		err = errors.Join(err, w.cleanUp(ctx, err == nil))
	}()
	r.Step("Writing %s: the profile is %s", o.ConfFile, result.Profile)
	if err := w.writeConf(ctx, result.Profile); err != nil {
		return result, err
	}
	if err := w.fetch(ctx, result.Profile); err != nil {
		return result, err
	}
	if err := w.configure(ctx, &result.Summary); err != nil {
		return result, err
	}
	return result, w.finalize(ctx)
}

// work is one machine's preparation.
type work struct {
	Guest
	Options
	report report.Reporter
	backup string // the configuration file as it was
	wrote  bool   // the configuration file is ours
}

// show passes on what a command writes.
func (w *work) show(line string) {
	if line = strings.TrimRight(line, "\r\n "); line != "" {
		w.report.Step("  %s", line)
	}
}

// writeConf replaces the configuration file atomically. It is readable by all, since it has no secrets.
func (w *work) writeConf(ctx context.Context, profile string) error {
	file, fresh := quote(w.ConfFile), quote(w.backup+".new")
	script := "set -e; umask 022; "
	if w.RestoreConf {
		script += fmt.Sprintf("if [ -e %s ]; then cp -p %s %s; fi; ", file, file, quote(w.backup))
	}
	script += fmt.Sprintf("printf %%s %s > %s; chmod 644 %s; mv -f %s %s", quote(w.conf(profile)), fresh, fresh, fresh, file)
	ctx, cancel := within(ctx, smallTimeout)
	defer cancel()
	if err := run(ctx, w.Machine, w.root(script), w.show); err != nil {
		return fault.Wrap(fault.KindOf(err), w.rootHint(err), fmt.Errorf("writing %s: %w", w.ConfFile, err))
	}
	w.wrote = true
	return nil
}

// rootHint is for commands that can only fail for lack of permissions.
func (w *work) rootHint(err error) fault.Advice {
	if _, ok := errors.AsType[errStatus](err); ok && !w.Sudo {
		return fault.Advise("log in as root, or set %s", fault.Set("sudo", true))
	} else if ok {
		return fault.Advise("sudo must not ask for a password")
	}
	return fault.Advice{}
}

// fetch retries until it succeeds: the profile exists only after Aquilon has compiled it.
func (w *work) fetch(ctx context.Context, profile string) error {
	name := strings.Join(w.FetchCommand, " ")
	w.report.Step("Fetching the profile with %s", name)
	tries := 0
	last := errors.New("it was still running")
	pace := cloud.Pace{First: w.FetchInterval, Max: w.FetchInterval}
	err := pace.Poll(ctx, "the profile "+profile, w.FetchTimeout, func(ctx context.Context) (bool, error) {
		tries++
		err := run(ctx, w.Machine, w.command(w.FetchCommand), w.show)
		status, ran := errors.AsType[errStatus](err)
		switch {
		case !ran:
			return err == nil, err
		case status == notFound, status == notExecutable:
			return false, fault.New(fault.NotFound, fault.Advise("install Quattor in the source image, or set %s",
				fault.Option("fetch_command")), "%s: %w", w.FetchCommand[0], status)
		}
		last = status
		w.report.Warn("fetching the profile failed (%s); trying again in %s", status, w.FetchInterval)
		return false, nil
	})
	if fault.Is(err, fault.Unavailable) {
		return fault.Wrap(fault.Unavailable, fault.Advise("its output is above; check the profile's URL, or set a longer %s",
			fault.Option("fetch_timeout")),
			fmt.Errorf("%w: %s was tried %d times, the last time with: %w", err, name, tries, last))
	}
	return err
}

// The shell's exit codes for a program that doesn't exist or can't be run.
const (
	notExecutable = 126
	notFound      = 127
)

// configure configures all components. Errors in the summary count like a failing exit code.
func (w *work) configure(ctx context.Context, summary *Summary) error {
	name := strings.Join(w.ConfigureCommand, " ")
	ctx, cancel := within(ctx, w.ConfigureTimeout)
	defer cancel()
	var err error
	for try := 0; try <= w.ConfigureRetries; try++ {
		if try > 0 {
			w.report.Warn("%s failed (%s); try %d of %d", name, err, try+1, w.ConfigureRetries+1)
		} else {
			w.report.Step("Configuring the machine with %s", name)
		}
		*summary = Summary{}
		err = run(ctx, w.Machine, w.command(w.ConfigureCommand), func(line string) {
			summary.read(line)
			w.show(line)
		})
		if err == nil && summary.Errors > 0 {
			err = fmt.Errorf("exit code 0, but it reported %d errors", summary.Errors)
		}
		w.report.Step("%s", summary)
		if err == nil {
			return nil
		}
		if kind := fault.KindOf(err); kind == fault.Cancelled || kind == fault.Unavailable {
			break
		}
	}
	kind := fault.KindOf(err)
	if w.TolerateErrors && kind == fault.Internal {
		w.report.Warn("%s failed (%s); continuing, because fail_on_configure_error is false", name, err)
		return nil
	}
	if names := summary.failing(); names != "" {
		err = fmt.Errorf("%w: errors in %s", err, names)
	}
	return fault.Wrap(kind, "its output is above", fmt.Errorf("configuring the machine with %s: %w", name, err))
}

func (w *work) finalize(ctx context.Context) error {
	if len(w.FinalizeCommand) == 0 {
		return nil
	}
	name := strings.Join(w.FinalizeCommand, " ")
	w.report.Step("Running %s", name)
	ctx, cancel := within(ctx, w.FinalizeTimeout)
	defer cancel()
	if err := run(ctx, w.Machine, w.command(w.FinalizeCommand), w.show); err != nil {
		return fault.Wrap(fault.KindOf(err), "its output is above", fmt.Errorf("running %s: %w", name, err))
	}
	return nil
}

// cleanUp removes what must not be in the image. It also restores the configuration file after a failure,
// because the machine may be kept; an error of that isn't reported on top.
func (w *work) cleanUp(ctx context.Context, healthy bool) error {
	script := w.cleanUpScript(healthy)
	if script == "" {
		return nil
	}
	ctx, cancel := within(context.WithoutCancel(ctx), smallTimeout)
	defer cancel()
	err := run(ctx, w.Machine, w.root("set -e; "+script), w.show)
	if err != nil && healthy {
		return fault.Wrap(fault.KindOf(err), w.rootHint(err), fmt.Errorf("cleaning up the machine: %w", err))
	}
	return nil
}

func (w *work) cleanUpScript(healthy bool) string {
	var steps []string
	if w.RestoreConf && w.wrote {
		file, backup := quote(w.ConfFile), quote(w.backup)
		steps = append(steps, fmt.Sprintf("if [ -e %s ]; then mv -f %s %s; else rm -f %s; fi", backup, backup, file, file))
	}
	if healthy {
		for _, path := range w.Remove {
			steps = append(steps, "rm -rf "+glob(path))
		}
	}
	return strings.Join(steps, "; ")
}
