package change

import (
	"context"
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// InPacker takes a plan through a component of Packer. The template is its author's consent, so there is
// no prompt. With dryRun, it reports the rows as what would change.
func InPacker(ctx context.Context, ui report.Ui, p Plan, dryRun bool) error {
	return Carry(ctx, p, packerDoor{ui, dryRun})
}

type packerDoor struct {
	ui     report.Ui
	dryRun bool
}

func (d packerDoor) DryRun() bool                      { return d.dryRun }
func (d packerDoor) Ask(context.Context, string) error { return nil }
func (d packerDoor) Reporter() report.Reporter         { return report.Packer(d.ui) }

// Show reports the rows of a dry run. An applied plan reports while it runs.
func (d packerDoor) Show(rows []Row, unchanged bool) {
	switch {
	case !d.dryRun:
	case unchanged:
		d.ui.Say("nothing would be changed")
	default:
		for _, row := range rows {
			for _, text := range texts(row) {
				d.ui.Say("would change: " + text)
			}
		}
	}
}

// texts are a row's changes where it lists some, or the row on one line.
func texts(row Row) []string {
	var cells []string
	for _, c := range row {
		if changes, ok := c.Value.([]string); ok && c.Key == "changes" {
			return changes
		}
		cells = append(cells, fmt.Sprintf("%s: %v", c.Key, c.Value))
	}
	return []string{strings.Join(cells, ", ")}
}
