package plugintest_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
)

// Each rule is broken by a plugin that breaks that one, or those that follow from it, and no other.
func TestEachRuleIsSeenBroken(t *testing.T) {
	t.Parallel()
	const (
		starts   = "starts and shakes hands within 5 s"
		alike    = "describes itself alike twice, without environment"
		manifest = "has a manifest by the rules"
		unknown  = "an unknown command is a problem of kind USAGE"
		missing  = "what is required and missing is a problem of kind USAGE"
		sends    = "sends what the protocol allows, and Done last, once"
		start    = "stops in time when interrupted at the start"
		middle   = "stops in time when interrupted in the middle"
		secrets  = "keeps secrets out of events, logs, arguments and environment"
		dry      = "--dry-run changes nothing"
		declined = "a declined prompt changes nothing"
		reads    = "only reads, as its manifest says"
		renews   = "has a refused token renewed once"
		failing  = "ends with Done when every service fails"
		succeeds = "succeeds as in its first example"
		changes  = "changes something, as its manifest says"
		again    = "after an interruption at its first write, running it again gives the same"
		idle     = "ends with its host"
		busy     = "ends with its host while a command runs"
	)
	every := []string{sends, start, middle, secrets, reads, succeeds}
	for name, broken := range map[string][]string{
		"exits": {starts}, "mute": {starts}, "babble": {starts},
		"hangs": {alike}, "fickle": {alike},
		"reserved": {manifest}, "shapeless": {manifest, missing}, "shadow": {},
		"noisy": {}, "hclog": {},
		"endless": every, "crash": every, "deaf": every,
		"orphan": {idle, busy},
		"narrow": {sends}, "broad": {sends}, "partial": {middle, start}, "twice": {sends}, "mixed": {sends}, "flood": {sends}, "vague": {sends, succeeds},
		"lenient": {unknown, missing}, "eager": {missing},
		"wet": {dry}, "headstrong": {declined}, "liar": {reads},
		"legion": {manifest}, "painter": {manifest, sends, succeeds}, "forger": {manifest}, "usurper": {}, "lure": {}, "daemon": {}, "scribe": {},
		"stale": {renews}, "pushy": {renews}, "leaky": {secrets}, "exposed": {secrets}, "giveup": {failing},
		"hopeless": {succeeds}, "idle": {changes}, "messy": {again},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options conformance.Options
			switch name { // where no patience helps; what they do right may take its time
			case "deaf":
				options = conformance.Options{RunFor: time.Second, StopWithin: time.Second}
			case "orphan":
				options = conformance.Options{GoneWithin: time.Second}
			}
			results, err := conformance.Check(t.Context(), plugintest.Hostile(t, t.TempDir(), name), options)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, r := range results {
				if r.Status != conformance.Broken {
					continue
				}
				found = append(found, r.Rule)
				t.Log(r)
			}
			found, want := slices.Sorted(slices.Values(found)), slices.Sorted(slices.Values(broken))
			if found = slices.Compact(found); !slices.Equal(found, want) {
				t.Errorf("it breaks %q, want %q", found, want)
			}
			if conformance.Conforms(results) != (len(broken) == 0) {
				t.Errorf("it conforms: %v", conformance.Conforms(results))
			}
		})
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	results := []conformance.Result{
		{Rule: "starts", Status: conformance.Kept},
		{Command: "image age", Rule: "ends", Status: conformance.Broken, Message: "no Done\n# and more"},
		{Command: "image age", Rule: "dry", Status: conformance.Skipped, Message: "it only reads"},
	}
	var tap, text bytes.Buffer
	if err := conformance.WriteTAP(&tap, results); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"TAP version 13", "1..3", "ok 1 - starts", "not ok 2 - image age: ends", "# no Done", "# # and more",
		"ok 3 - image age: dry # SKIP it only reads", "",
	}, "\n")
	if tap.String() != want {
		t.Errorf("the TAP is\n%s", tap.String())
	}
	if err := conformance.WriteJSON(&text, results); err != nil {
		t.Fatal(err)
	}
	var back []conformance.Result
	if err := json.Unmarshal(text.Bytes(), &back); err != nil || !slices.Equal(back, results) {
		t.Errorf("the JSON gives %v, %v", back, err)
	}
}
