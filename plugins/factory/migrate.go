package main

import (
	"cmp"
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func migrateCommand() sdk.Command {
	return sdk.Command{
		Path: "factory migrate", Kind: sdk.List, Danger: sdk.Changes,
		Short: "Move packuilon's waiting requests to the factory's queue",
		Long: "Moves the messages of a classic queue of RabbitMQ, with bare profiles in them, to the factory's queue. A message is " +
			"taken out of QUEUE only after the factory's queue has confirmed that it stored it. QUEUE itself stays.\n\n" +
			"Stop rabbit2packer first, or it takes some of the messages.",
		Examples: []sdk.Example{
			{Text: "How many are there?", Command: "imgctl factory migrate --dry-run"},
			{Text: "Move them", Command: "imgctl factory migrate"},
		},
		Args:    []sdk.Arg{sdk.Optional("QUEUE", "queue to empty (default: QUEUE of the configuration)")},
		Flags:   sdk.Flags{configFlag()},
		Columns: sdk.Columns{{Title: "Queue"}, {Title: "Messages"}, {Title: "State"}},
		Run:     bridge.Run(migrate),
	}
}

func migrate(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	p, err := watch.PlanMigrate(ctx, watch.Sink{Open: c.OpenQueue}, cmp.Or(in.Arg("QUEUE"), c.LegacyQueue), c.CountForeign)
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, p)
}
