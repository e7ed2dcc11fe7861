"""Runs commands of OpenStackClient in this process, which starting it for each would take a second for.

Its arguments are options of the client, such as --os-cloud. It reads a command a line, a list of words as JSON, and
answers each with {"status": ..., "stdout": ..., "stderr": ...}. With the argument `list` it prints the client's
commands as JSON instead: the names by group. (The client keeps its connections in classes: a process has one cloud.)
"""

import contextlib
import importlib.metadata
import io
import json
import logging
import sys
import warnings

GROUPS = (
    "openstack.common", "openstack.compute.v2", "openstack.identity.v3", "openstack.image.v2",
    "openstack.network.v2", "openstack.volume.v3",
)


def commands():
    """What python3-openstackclient has, without what other packages add."""
    found = {group: set() for group in GROUPS}
    for entry in importlib.metadata.distribution("python-openstackclient").entry_points:
        if entry.group in found:
            found[entry.group].add(entry.name.replace("_", " "))
    return {group: sorted(names) for group, names in found.items()}


def new_client(options):
    from openstackclient import shell

    client = shell.OpenStackShell()
    client.command_options = []
    client.options, _ = client.parser.parse_known_args(options)
    client.configure_logging()
    client.interactive_mode = False
    client.initialize_app(["complete"])  # which doesn't print help
    return client


class Terminal(io.StringIO):
    """A terminal at which nobody types: commands that read data from a pipe have none."""

    def isatty(self):
        return True


@contextlib.contextmanager
def collecting(client):
    """Collects what a command prints, by whichever of the ways that there are."""
    out, err = io.StringIO(), io.StringIO()
    client.stdout = out
    handlers = [h for h in logging.getLogger("").handlers if isinstance(h, logging.StreamHandler)]
    for handler in handlers:
        handler.setStream(err)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err


def answer(client, args):
    with collecting(client) as (out, err):
        try:
            factory, _, _ = client.command_manager.find_command(args)
            if hasattr(factory, "produce_output"):
                args = args + ["-f", "json"]
            status = client.run_subcommand(args)
        except SystemExit as e:
            status = e.code
        except ValueError as e:
            print(e, file=err)
            status = 2
    if status is not None and not isinstance(status, int):
        status = 1  # as sys.exit makes of other objects
    return {"status": status or 0, "stdout": out.getvalue(), "stderr": err.getvalue()}


def main():
    if sys.argv[1:] == ["list"]:
        print(json.dumps(commands()))
        return
    warnings.simplefilter("ignore")
    client, stdin, stdout = new_client(sys.argv[1:]), sys.stdin, sys.stdout
    sys.stdin = Terminal()
    for line in stdin:
        print(json.dumps(answer(client, json.loads(line))), file=stdout, flush=True)


main()
