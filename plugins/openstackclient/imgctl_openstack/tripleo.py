"""TripleO's commands for container images: its names, its flags and its output, carried out by imgctl.

A script that calls python-tripleoclient needs no change. imgctl's own flags may be added.
"""

import argparse
import os

from imgctl_openstack import commands, program

# Flags that hold a password here. imgctl reads passwords from files only.
PASSWORDS = ("password", "source-password")


class Command:
    """A command of imgctl under TripleO's name."""

    path = ()
    # TripleO's flags that imgctl's command doesn't have, with what add_argument takes. They have no effect.
    ignored = {}

    @property
    def spec(self):
        return commands.COMMANDS["_".join(["image", *self.path])]

    def flags(self):
        flags = super().flags()
        return [{**f, "help": "password; other users of this machine can see it" if f["name"] in PASSWORDS else f["help"]} for f in flags]

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        for name, options in self.ignored.items():
            parser.add_argument("--" + name, **options)
        return parser

    def secrets(self, parsed_args):
        """Replaces each password by a file from which imgctl can read it, and returns the files' descriptors."""
        files = []
        for name in PASSWORDS:
            text = getattr(parsed_args, "flag_" + name, None)
            if text is not None:
                files.append(program.secret(text))
                setattr(parsed_args, "flag_" + name, f"/dev/fd/{files[-1]}")
        return files


class Prepare(Command, commands.Raw):
    """Prepare the container images of a deployment"""

    path = ("prepare",)
    ignored = {"log-file": {"metavar": "<file>", "help": "also write imgctl's messages to this file; a relative path starts at the home folder"}}

    def take_action(self, parsed_args):
        log = parsed_args.log_file and os.path.join(os.path.expanduser("~"), parsed_args.log_file)
        return program.run(self.line(parsed_args), log=log)


class PrepareDefault(Command, commands.Raw):
    """Write an environment file to begin with"""

    path = ("prepare", "default")


class Silent(Command, commands.Raw):
    """What prints nothing but messages. imgctl's rows follow them, so that a script's output stays its own."""

    def take_action(self, parsed_args):
        files = self.secrets(parsed_args)
        return program.run(self.line(parsed_args), files=files, silent=True)


class Push(Silent):
    """Copy an image to a registry"""

    path = ("prepare", "push")

    def take_action(self, parsed_args):
        for image in parsed_args.arg_IMAGE:
            if image.startswith("containers-storage:"):
                parsed_args.flag_local = True
        return super().take_action(parsed_args)


class Delete(Silent):
    """Delete an image from a registry"""

    path = ("prepare", "delete")


class List(Command, commands.List):
    """List the images of a registry"""

    path = ("prepare", "list")

    def take_action(self, parsed_args):
        self.files = self.secrets(parsed_args)
        return super().take_action(parsed_args)


class Show(Command, commands.Show):
    """Show what a registry knows of an image"""

    path = ("prepare", "show")
    ignored = {"registry-url": {"metavar": "<host:port>", "help": argparse.SUPPRESS}}

    @property
    def formatter_default(self):
        return "json"

    def take_action(self, parsed_args):
        self.files = self.secrets(parsed_args)
        return super().take_action(parsed_args)


class Hotfix(Silent):
    """Add RPM packages to images"""

    path = ("prepare", "hotfix")
