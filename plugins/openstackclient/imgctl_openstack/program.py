"""Runs imgctl for a command of OpenStackClient."""

import json
import os
import shutil
import subprocess

from osc_lib import exceptions

# Options of OpenStackClient, by the name that it keeps them under, and imgctl's name for each.
GLOBALS = {
    "cloud": "--os-cloud",
    "region_name": "--os-region-name",
    "interface": "--os-interface",
    "cacert": "--os-cacert",
    "cert": "--os-cert",
    "key": "--os-key",
}


def find():
    """The path of imgctl: $IMGCTL, or the first one on PATH."""
    path = os.environ.get("IMGCTL") or shutil.which("imgctl")
    if not path:
        raise exceptions.CommandError(
            "imgctl is not on PATH; install it, or name it in the environment variable IMGCTL"
        )
    return path


def global_options(options):
    """What was said before the command's name, as imgctl takes it."""
    args = []
    for name, flag in GLOBALS.items():
        value = getattr(options, name, None)
        if value:
            args.append(f"{flag}={value}")
    if getattr(options, "insecure", None) or getattr(options, "verify", None) is False:
        args.append("--insecure")
    if getattr(options, "verbose_level", 1) == 0:
        args.append("--quiet")
    return args


def environment():
    """Ours, and what the user's command line begins with: imgctl's messages name commands by it."""
    return {**os.environ, "IMGCTL_PROGRAM": "openstack image"}


def run(args):
    """Runs imgctl on the user's terminal and gives its exit status."""
    return wait(subprocess.Popen([find(), *args], env=environment()))


def results(args):
    """Runs imgctl and gives its exit status, and what it found: None where it found nothing."""
    process = subprocess.Popen([find(), *args], stdout=subprocess.PIPE, env=environment())
    status, out = wait(process, read=True)
    text = out.decode().strip()
    return status, json.loads(text) if text else None


def wait(process, read=False):
    """Waits for imgctl, which a Ctrl-C reaches as well and which cleans up before it ends."""
    out = b""
    while True:
        try:
            if read:
                out += process.stdout.read()
            status = process.wait()
        except KeyboardInterrupt:
            continue
        # A shell's status for a program that a signal ended.
        status = status if status >= 0 else 128 - status
        return (status, out) if read else status
