package factoryworker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/packer"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

// childEnv makes the test binary a worker; its value is a child as JSON.
const childEnv = "FACTORYWORKER_CHILD"

// child is a worker in a process of its own, which can be killed.
type child struct {
	File, Name               string // of the queue
	URLs                     []string
	Clouds, Logs             string
	TemplateMap, SourceImage string
	Env                      map[string]string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		var c child
		err := json.Unmarshal([]byte(text), &c)
		if err == nil {
			err = c.run()
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	rabbittest.EndShared()
	os.Exit(code)
}

func (c child) run() error {
	ctx := context.Background()
	q, err := openQueue(ctx, c.File, c.Name, c.URLs...)
	if err != nil {
		return err
	}
	project, err := cloudtest.Open(ctx, c.Clouds, "demo")
	if err != nil {
		return err
	}
	api, err := project.Image()
	if err != nil {
		return err
	}
	logs, err := buildlog.In(c.Logs)
	if err != nil {
		return err
	}
	return worker.Run(ctx, worker.Options{
		Queue: q, Slots: 1, TemplateMap: c.TemplateMap, SourceImages: c.SourceImage,
		Packer:  packer.Build{Program: "packer", Env: c.Env, Cleanup: patience},
		Timeout: patience, Site: promote.Site{Images: glance.New(api), Project: project.Project().ID}, Suffix: " next", Logs: logs,
		Grace: time.Second,
	}, report.Discard)
}

func openQueue(ctx context.Context, file, name string, urls ...string) (queue.Queue, error) {
	if file != "" {
		return queue.OpenFile(ctx, file, policy)
	}
	return queue.DialRabbit(ctx, queue.RabbitOptions{URLs: urls, Name: name, Policy: policy})
}
