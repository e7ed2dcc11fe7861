package modify

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

type store struct{}

type buildah struct{}

func (buildah) modify(ctx context.Context, w *work) (v1.Image, error) { return nil, nil }
