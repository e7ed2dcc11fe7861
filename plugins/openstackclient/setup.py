"""Installs imgctl's commands into OpenStackClient: one entry point for each."""

import json
import pathlib

from setuptools import setup

path = pathlib.Path(__file__).parent / "imgctl_openstack" / "commands.json"
commands = json.loads(path.read_text())
# TripleO's commands, and their classes.
tripleo = {
    "prepare": "Prepare",
    "prepare_default": "PrepareDefault",
    "push": "Push",
    "list": "List",
    "show": "Show",
    "delete": "Delete",
    "hotfix": "Hotfix",
}
names = ["_".join(["image", *c["path"]]).replace("-", "_") for c in commands]

setup(
    entry_points={
        "openstack.extension": [
            "imgctl = imgctl_openstack.commands:Imgctl",
            *(f"{name} = imgctl_openstack.commands:{name}" for name in names),
            *(f"tripleo_container_image_{name} = imgctl_openstack.tripleo:{of}" for name, of in tripleo.items()),
        ]
    }
)
