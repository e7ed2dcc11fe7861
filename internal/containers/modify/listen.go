package modify

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// listenPace is how often it is looked for what a script has said.
const listenPace = 200 * time.Millisecond

// listening carries out a build whose script writes to the file, and passes on what it says. An error quotes the last of
// it. The script doesn't speak to buildah, which may end before it has passed on the last lines: those that say why the
// script failed.
func (w *work) listening(ctx context.Context, file string, build func() error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	ended := make(chan error, 1)
	go func() { ended <- build() }()
	heard := &listener{tell: w.tell}
	for {
		var err error
		over := false
		select {
		case err = <-ended:
			over = true
		case <-time.After(listenPace):
		}
		_, readErr := io.Copy(heard, f)
		if !over {
			continue
		}
		heard.end()
		switch {
		case err == nil && readErr != nil:
			w.rep.Warn("%s: what the script in the image has said is lost: %v", w.Source, readErr)
		case err != nil && ctx.Err() == nil && len(heard.last) > 0:
			return fmt.Errorf("%w\nin the image:\n%s", err, strings.Join(heard.last, "\n"))
		}
		return err
	}
}
