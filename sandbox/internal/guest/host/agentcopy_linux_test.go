package host

import (
	"os"
	"os/exec"
	"sync"
	"testing"
)

// A copy can be executed at once, whatever this process starts meanwhile.
func TestACopyIsNeverBusy(t *testing.T) {
	t.Parallel()
	const program = "/bin/true"
	if _, err := os.Stat(program); err != nil {
		t.Skipf("no program to copy: %v", err)
	}
	var others sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = exec.Command(program).Run() // only that it is forked counts
				}
			}
		})
	}
	dir := t.TempDir()
	for range 200 {
		copied, err := agentCopy(program, dir)
		if err == nil {
			err = exec.Command(copied).Run()
		}
		if err != nil {
			t.Errorf("%v", err)
			break
		}
	}
	close(stop)
	others.Wait()
}
