package bridge

import (
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/schedule"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// ScheduleFlags are those of a command that is run on a schedule: where to leave its report and metrics.
func ScheduleFlags() sdk.Flags {
	return sdk.Flags{
		sdk.File("json-report", "", "write a report of the run to this file").ValueName("FILE").Writes(),
		sdk.File("metrics", "", "write metrics to this file, for the textfile collector of Prometheus's node exporter").ValueName("FILE").
			Writes(),
	}
}

// ScheduledRun is a run under way; the command adds what it did.
type ScheduledRun struct{ *schedule.Run }

// Scheduled runs a command and leaves its report and metrics where the user asked for them, also if it
// fails. A dry run leaves none.
func Scheduled(in *sdk.Input, subject, name string, do func(run *ScheduledRun) error) error {
	run := &ScheduledRun{schedule.Begin(subject, name, in.Cloud("").Name(), in.RunID())}
	err := do(run)
	run.End(err)
	if in.DryRun() {
		return err
	}
	var errs []error
	if file := in.File("json-report"); file != "" {
		errs = append(errs, fault.In("json_report", run.WriteJSON(file)))
	}
	if file := in.File("metrics"); file != "" {
		errs = append(errs, fault.In("metrics", run.WriteMetrics(file)))
	}
	if e := errors.Join(errs...); e != nil {
		return errors.Join(err, e)
	}
	return err
}
