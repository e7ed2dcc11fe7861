//go:build unix

// Command hostile is a collection of plugins that break the rules, for tests of the host and of the
// conformance kit. Which one it is follows from the name of its executable: imgctl-noisy is noisy.
//
//	imgctl-exits       exits at once, with a line on standard error
//	imgctl-mute        shakes no hands and stays
//	imgctl-babble      prints something else before the handshake
//	imgctl-hangs       hangs in Describe
//	imgctl-fickle      describes itself in another way each time
//	imgctl-noisy       writes to standard output, and a line of 1 MB to standard error
//	imgctl-hclog       writes lines to standard error that are almost hclog's JSON
//	imgctl-endless     never sends Done, and ends its stream without it
//	imgctl-crash       exits in the middle of a command
//	imgctl-deaf        ignores interrupts
//	imgctl-orphan      stays when its host is gone
//	imgctl-reserved    claims the flag --format
//	imgctl-shadow      has the command "share list"
//	imgctl-shapeless   breaks every rule for manifests that can be broken at once
//	imgctl-narrow      sends rows that are narrower than its columns
//	imgctl-partial     ends an interrupted list as if it were whole
//	imgctl-hoard       sends rows of 1 MiB until it is interrupted
//	imgctl-broad       sends rows that are wider than its columns
//	imgctl-twice       sends Done twice, and a row after it
//	imgctl-mixed       sends rows, fields and chunks from one command
//	imgctl-flood       reports progress a thousand times a second
//	imgctl-vague       fails without saying why
//	imgctl-lenient     takes unknown commands and missing arguments
//	imgctl-eager       asks for a cloud before it looks at its arguments
//	imgctl-wet         writes in a dry run
//	imgctl-headstrong  writes though the user declined
//	imgctl-liar        writes though its manifest says that it only reads
//	imgctl-stale       never has a refused token renewed
//	imgctl-pushy       asks for a new token repeatedly
//	imgctl-leaky       shows the token in a field, in its log and on standard error
//	imgctl-exposed     gives the token to a child as an argument
//	imgctl-giveup      ends its process when a service fails
//	imgctl-hopeless    fails in its own example
//	imgctl-idle        says that it changes something, and does nothing
//	imgctl-messy       makes two more images with each run, and leaves one when interrupted
//	imgctl-painter     has escape sequences in every text
//	imgctl-forger      describes itself so that the question whether to trust it lies
//	imgctl-usurper     has "demo rows" as the other name of a command
//	imgctl-legion      has 20,000 commands
//	imgctl-heavy       sends a row of 100 MiB
//	imgctl-wide        sends a row with 3 MB of words
//	imgctl-long        sends a row with a word of 3 MB
//	imgctl-torrent     sends rows for ever
//	imgctl-lure        suggests names that a shell would run
//	imgctl-daemon      leaves a process in a session of its own
//	imgctl-scribe      writes to the terminal behind the host's back
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sins are the plugins by name.
var sins = map[string]func(){
	"exits": func() {
		fmt.Fprintln(os.Stderr, "imgctl-exits: the licence has expired")
		os.Exit(3)
	},
	"mute":   stay,
	"babble": func() { fmt.Println("Welcome to babble 1.0"); stay() },
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "imgctl-")
	sin, ok := sins[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no hostile plugin %q\n", name)
		os.Exit(2)
	}
	sin()
}

// stay waits as long as anybody might.
func stay() { <-time.After(time.Hour) }
