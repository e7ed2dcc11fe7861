"""A plugin that uses what the SDK's file for Python has for images."""

import imgctl_plugin

ARGUMENT = [{"name": "IMAGE", "help": "image, by id or exact name", "min": 1, "max": 1, "completion": "COMPLETION_DYNAMIC"}]
MANIFEST = {
    "name": "looking",
    "version": "1.0.0",
    "vendor": "example.org",
    "commands": [{
        "path": ["looking"],
        "short": "Find an image",
        "kind": "COMMAND_KIND_LIST",
        "danger": "DANGER_NONE",
        "needs": ["NEED_CLOUD"],
        "columns": [{"title": "ID"}],
        "args": ARGUMENT,
    }],
}


def looking(run):
    cloud = run.cloud()
    run.row(cloud.find_image(run.start.args[0], cloud.access.project.id)["id"])


if __name__ == "__main__":
    imgctl_plugin.serve(MANIFEST, {"looking": looking}, {"looking": imgctl_plugin.complete_images})
