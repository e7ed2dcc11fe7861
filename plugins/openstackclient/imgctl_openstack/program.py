"""Runs imgctl for a command of OpenStackClient."""

import json
import os
import shutil
import subprocess
import sys
import threading

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


def secret(text):
    """The descriptor of a file that only imgctl reads, with a password in it."""
    line = text.encode() + b"\n"
    if len(line) > 4096:  # what a pipe takes without a reader
        raise exceptions.CommandError("a password is longer than 4 kB")
    end, start = os.pipe()
    os.write(start, line)
    os.close(start)
    return end


def run(args, files=(), silent=False, log=None):
    """Runs imgctl on the user's terminal and gives its exit status.

    files are descriptors that imgctl reads. With silent, its output goes where its messages go. log
    is a file that its messages are written to as well.
    """
    stdout = sys.stderr.fileno() if silent else None
    if not log:
        return wait(start(args, files, stdout=stdout))
    try:
        file = open(log, "wb")
    except OSError as e:
        raise exceptions.CommandError(f"--log-file: {e}")
    with file:
        process = start(args, files, stdout=stdout, stderr=subprocess.PIPE)
        copying = threading.Thread(target=copy, args=(process.stderr, file))
        copying.start()
        status = wait(process)
        copying.join()
    return status


def copy(messages, file):
    """Writes messages to a file and to the terminal, as they come."""
    for text in iter(lambda: messages.read1(), b""):
        file.write(text)
        os.write(sys.stderr.fileno(), text)


def results(args, files=()):
    """Runs imgctl and gives its exit status, and what it found: None where it found nothing."""
    process = start(args, files, stdout=subprocess.PIPE)
    status, out = wait(process, read=True)
    text = out.decode().strip()
    return status, json.loads(text) if text else None


def start(args, files=(), **streams):
    """Starts imgctl, which inherits the descriptors of files; here they are closed."""
    try:
        return subprocess.Popen([find(), *args], env=environment(), pass_fds=files, **streams)
    finally:
        for f in files:
            os.close(f)


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
