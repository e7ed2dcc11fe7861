package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
)

// floor is no peer: it only sends the requests with which a tool sees that there is nothing to do. Less
// than it takes is not to be had from these registries.
const floor = "the requests alone"

// floorAtOnce is how many images floor asks for at once, as imgctl does.
const floorAtOnce = 16

// asFloor are the arguments with which this program becomes floor: the two hosts and how many images.
func asFloor(b *bench) ([]string, error) {
	return []string{"-floor", b.sourceHost(), b.targetHost(), strconv.Itoa(b.images)}, nil
}

// self is this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// sendRequests asks both hosts which manifest each image has.
func sendRequests(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("-floor SOURCE TARGET IMAGES, not %q", args)
	}
	images, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: floorAtOnce}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(floorAtOnce)
	for n := range images {
		for _, host := range args[:2] {
			group.Go(func() error { return head(ctx, client, "http://"+host+"/v2/"+(&bench{}).path(n)+"/manifests/current") })
		}
	}
	return group.Wait()
}

func head(ctx context.Context, client *http.Client, url string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return err
	}
	q.Header.Set("Accept", string(types.DockerManifestSchema2))
	q.Header.Add("Accept", string(types.OCIManifestSchema1))
	resp, err := client.Do(q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Docker-Content-Digest") == "" {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}
