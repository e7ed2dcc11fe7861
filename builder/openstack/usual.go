package openstack

import (
	"encoding/json"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// usual remembers how long each wait took last time, in a file in the user's cache. If the file is missing
// or wrong, waits only poll more often.
type usual struct {
	path string
	mu   sync.Mutex
	took map[string]took
	news map[string]took
}

type took struct {
	Seconds float64   `json:"seconds"`
	At      time.Time `json:"at"`
}

// mostUsual is how many waits are remembered.
const mostUsual = 500

func remembered() *usual {
	u := &usual{took: map[string]took{}, news: map[string]took{}}
	if dir, err := os.UserCacheDir(); err == nil {
		u.path = filepath.Join(dir, "imgctl", "waits.json")
		u.took = u.read()
	}
	return u
}

func (u *usual) read() map[string]took {
	all := map[string]took{}
	text, err := os.ReadFile(u.path)
	if err != nil || json.Unmarshal(text, &all) != nil {
		return map[string]took{}
	}
	return all
}

// get is how long a wait took last time; 0 where that isn't known.
func (u *usual) get(key string) time.Duration {
	if u == nil {
		return 0
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Duration(u.took[key].Seconds * float64(time.Second))
}

func (u *usual) set(key string, d time.Duration) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.news[key] = took{d.Round(time.Millisecond).Seconds(), time.Now().UTC()}
}

// save adds what is new to the file, which other builds write as well: the last one wins.
func (u *usual) save() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.path == "" || len(u.news) == 0 {
		return
	}
	all := u.read()
	maps.Copy(all, u.news)
	oldest := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return all[a].At.Compare(all[b].At) })
	for _, key := range oldest[:max(len(oldest)-mostUsual, 0)] {
		delete(all, key)
	}
	if err := u.write(all); err != nil {
		log.Printf("[DEBUG] remembering how long waits took: %s", err)
	}
}

func (u *usual) write(all map[string]took) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return wholefile.Keep(u.path, text)
}
