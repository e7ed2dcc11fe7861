package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/notes"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// notify tells those of the configuration how builds end; nil if it names none.
func notify(ctx context.Context, in *sdk.Input, out *sdk.Output, c *config.Config) (func(worker.Ended), error) {
	password, err := c.MailPassword()
	if err != nil {
		return nil, err
	}
	o := notes.Options{
		SuccessAddress: c.SuccessAddress, FailureAddress: c.FailureAddress, SuccessChat: c.SlackSuccessHook,
		FailureChat: c.SlackFailureHook, Webhook: c.Webhook,
		Mail: notes.Mail{
			Server: c.SMTPServer, From: c.SMTPFrom, User: c.SMTPUser, Password: password, RequireTLS: c.SMTPRequireTLS,
		},
	}
	if o.SuccessAddress+o.FailureAddress+o.SuccessChat+o.FailureChat+o.Webhook == "" {
		return nil, nil
	}
	for _, secret := range []string{password, o.SuccessChat, o.FailureChat, o.Webhook} {
		if secret != "" {
			out.CrossOut(sdk.NewSecret(secret))
		}
	}
	rep := bridge.Reporter(in, out)
	ctx = context.WithoutCancel(ctx) // the last builds end after it
	return func(e worker.Ended) {
		n := notes.Note{
			Outcome: notes.Built, Image: e.Image, IDs: e.Images, Message: e.ID, Attempt: e.Attempt + 1, Worker: e.Worker,
			Reason: e.Failure.Reason, Log: e.Failure.Log,
		}
		switch {
		case e.Dead:
			n.Outcome = notes.Dead
		case n.Reason != "":
			n.Outcome = notes.Failed
		}
		if err := o.Send(ctx, n); err != nil {
			rep.Warn("%s: %v", e.Image, err)
		}
	}, nil
}
