"""A complete plugin in Python: imgctl formats counts images and bytes by disk format."""

import collections

import imgctl_plugin

MANIFEST = {
    "name": "formats",
    "version": "1.0.0",
    "vendor": "example.org",
    "commands": [{
        "path": ["formats"],
        "short": "Count images and their bytes by disk format",
        "kind": "COMMAND_KIND_LIST",
        "danger": "DANGER_NONE",
        "needs": ["NEED_CLOUD"],
        "columns": [{"title": "Format"}, {"title": "Images"}, {"title": "Size", "unit": "UNIT_BYTES"}],
        "flags": [{"name": "limit", "type": "FLAG_TYPE_INT", "default": "1000", "help": "images in one request"}],
    }],
}


def formats(run):
    images, sizes = collections.Counter(), collections.Counter()
    for image in run.cloud().pages("image", f"/v2/images?limit={run.flags.get('limit', 1000)}", "images"):
        images[image["disk_format"] or "none"] += 1
        sizes[image["disk_format"] or "none"] += image["size"] or 0
    for name in sorted(images):
        run.row(name, images[name], sizes[name])


if __name__ == "__main__":
    imgctl_plugin.serve(MANIFEST, {"formats": formats})
