"""A command of OpenStackClient for each of imgctl's, made from what the plugins say of theirs.

imgctl does the work and checks values; cliff parses the line and shows the results in its own
formats. The status that OpenStackClient ends with is imgctl's.
"""

import argparse
import json
import pathlib

from cliff import command, lister, show

from imgctl_openstack import program

COMMANDS = {
    "_".join(["image", *c["path"]]).replace("-", "_"): c
    for c in json.loads((pathlib.Path(__file__).parent / "commands.json").read_text())
}

# How often an argument may be there, by the least and the most times (0 is any number).
NARGS = {(1, 1): None, (0, 1): "?", (1, 0): "+", (0, 0): "*"}


class Imgctl(command.Command):
    """Run any command of imgctl, also those of other people's plugins"""

    auth_required = False

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what follows imgctl on its command line")
        return parser

    def take_action(self, parsed_args):
        return program.run(program.global_options(self.app.options) + parsed_args.arguments)


class Common:
    """What the commands made from manifests share. spec is what the manifest says of one."""

    auth_required = False
    conflict_handler = "resolve"
    spec = {}
    files = ()  # descriptors that imgctl reads

    def get_description(self):
        return "\n\n".join(filter(None, [self.spec["short"] + ".", self.spec.get("long")]))

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        for flag in self.flags():
            names = ["--" + flag["name"], *(["-" + flag["short"]] if flag.get("short") else [])]
            help = argparse.SUPPRESS if flag.get("hidden") else explain(flag)
            # No default: imgctl knows it, and can tell it from a value that was given.
            options = {"dest": "flag_" + flag["name"], "default": None, "help": help, "required": flag.get("required", False)}
            if flag["type"] == "BOOL":
                options.update(action="store_true", required=False)
            else:
                options["metavar"] = "<" + (flag.get("value_name") or flag["name"]).lower() + ">"
                if flag["type"] == "ENUM":
                    options["choices"] = flag["values"]
                if flag["type"] in ("STRING_LIST", "KEY_VALUE"):
                    options["action"] = "append"
            parser.add_argument(*names, **options)
        for arg in self.spec.get("args", []):
            nargs = NARGS[arg.get("min", 0), arg.get("max", 0)]
            if self.spec["kind"] == "RAW" and nargs in ("+", "*"):
                nargs = argparse.REMAINDER
            parser.add_argument("arg_" + arg["name"], nargs=nargs, metavar="<" + arg["name"].lower() + ">", help=escape(arg.get("help", "")))
        return parser

    def flags(self):
        """The flags of the command, and those that imgctl gives to commands of its danger."""
        own = self.spec.get("flags", [])
        if self.spec.get("danger"):
            own = own + [
                {"name": "dry-run", "type": "BOOL", "help": "only show what would be done"},
                {"name": "yes", "short": "y", "type": "BOOL", "help": "answer yes to all prompts"},
            ]
        return own

    def line(self, parsed_args, *more):
        """The line for imgctl."""
        values = vars(parsed_args)
        args = [*program.global_options(self.app.options), *self.spec["path"], *more]
        for flag in self.flags():
            value = values["flag_" + flag["name"]]
            if value is True:
                args.append("--" + flag["name"])
            elif value is not None:
                for v in value if isinstance(value, list) else [value]:
                    args.append(f"--{flag['name']}={v}")
        args.append("--")
        for arg in self.spec.get("args", []):
            value = values["arg_" + arg["name"]]
            if isinstance(value, list):
                args += value[1:] if value[:1] == ["--"] else value
            elif value is not None:
                args.append(value)
        return args


class Results(Common):
    """What List and Show share: take_action keeps imgctl's status."""

    def produce_output(self, parsed_args, column_names, data):
        # Where imgctl failed before there was anything to show, its message says it all.
        if list(data) or (column_names and not self.status):
            super().produce_output(parsed_args, column_names, data)
        return 0

    def run(self, parsed_args):
        super().run(parsed_args)
        return self.status


class List(Results, lister.Lister):
    """Rows in columns."""

    def take_action(self, parsed_args):
        # Columns that are shown only to who asks for them have to be asked for.
        asked = [arg for column in parsed_args.columns for arg in ("-c", column)]
        self.status, rows = program.results(self.line(parsed_args, "-f", "json", *asked), self.files)
        columns = list(rows[0]) if rows else [c["title"] for c in self.spec.get("columns", []) if not c.get("hidden")]
        return columns, [[row[c] for c in columns] for row in rows or []]


class Show(Results, show.ShowOne):
    """Fields of one object, or of an action's outcome."""

    def take_action(self, parsed_args):
        self.status, fields = program.results(self.line(parsed_args, "-f", "json"), self.files)
        return list(fields or {}), list((fields or {}).values())


class Raw(Common, command.Command):
    """Output that is passed on as it is."""

    def take_action(self, parsed_args):
        return program.run(self.line(parsed_args))


KINDS = {"LIST": List, "SHOW": Show, "ACTION": Show, "RAW": Raw}


def explain(flag):
    default = flag.get("default")
    return escape(flag["help"] + (f" (default: {default})" if default else ""))


def escape(text):
    return text.replace("%", "%%")


def __getattr__(name):
    if name not in COMMANDS:
        raise AttributeError(name)
    spec = COMMANDS[name]
    return type(name, (KINDS[spec["kind"]],), {"spec": spec, "__doc__": spec["short"]})
