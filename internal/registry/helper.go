package registry

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
)

// A credential helper may ask the user for a passphrase, but not without an end.
const helperTime = 2 * time.Minute

// tokenUser is the user whose password is an identity token.
const tokenUser = "<token>"

// help asks a credential helper, once for each registry.
func (f *LoginFiles) help(ctx context.Context, helper, name string) (found types.AuthConfig, err error) {
	if strings.ContainsAny(helper, `/\`) {
		return found, fmt.Errorf("credential helper %.100q: no name of a program", helper)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := helper + " " + name
	if found, ok := f.helped[key]; ok {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	program := "docker-credential-" + helper
	login, err := client.Get(func(args ...string) client.Program {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = f.Environment
		cmd.WaitDelay = time.Second
		return (*helperProgram)(cmd)
	}, name)
	switch {
	case credentials.IsErrCredentialsNotFound(err):
	case ctx.Err() != nil:
		return found, fmt.Errorf("%s: %w", program, context.Cause(ctx))
	case err != nil:
		return found, fmt.Errorf("%s: %w", program, err)
	case login.Username == tokenUser:
		found.IdentityToken = login.Secret
	default:
		found.Username, found.Password = login.Username, login.Secret
	}
	if f.helped == nil {
		f.helped = map[string]types.AuthConfig{}
	}
	f.helped[key] = found
	return found, nil
}

type helperProgram exec.Cmd

// Output is what the helper answers.
func (p *helperProgram) Output() ([]byte, error) { return (*exec.Cmd)(p).Output() }

// Input is what the helper reads.
func (p *helperProgram) Input(in io.Reader) { p.Stdin = in }
