#!/usr/bin/node
// A complete plugin in JavaScript: imgctl history lists the images of one name, newest first.
// Build it with the SDK's imgctl-plugin.js and the protocol's descriptor, as imgctl-plugin-v1.json, beside this file.
"use strict";

const { Cloud, Problem, serve } = require("./imgctl-plugin.js");

const MANIFEST = {
  name: "history",
  version: "1.0.0",
  vendor: "example.org",
  short: "List the images of one name",
  commands: [{
    path: ["history"],
    short: "List the images of one name, newest first",
    examples: [{ text: "What web was, hidden images included:", command: "imgctl history web" }],
    kind: "COMMAND_KIND_LIST",
    danger: "DANGER_NONE",
    needs: ["NEED_CLOUD"],
    args: [{ name: "NAME", help: "exact name of the images", min: 1, max: 1, completion: "COMPLETION_DYNAMIC" }],
    flags: [{ name: "owner", type: "FLAG_TYPE_STRING", value_name: "ID", help: "only images of the project with this id" }],
    columns: [
      { title: "ID" }, { title: "Status" }, { title: "Visibility" },
      { title: "Size", unit: "UNIT_BYTES" }, { title: "Created", unit: "UNIT_TIME" },
    ],
  }],
};

// history is the command. It only reads, so that an interruption leaves nothing to clean up.
async function history(run) {
  const [name, ...more] = run.start.args;
  if (!name || more.length > 0) throw new Problem("USAGE", "history takes one name", "give an image's name");
  const cloud = new Cloud(await run.access(), run.signal, () => run.access(true));
  const owner = run.flag("owner");
  const found = [];
  for (const hidden of [{}, { os_hidden: "true" }]) {
    const filters = { ...hidden, ...(owner && { owner }) };
    if (!/[:,"\\]/.test(name)) filters.name = name; // in a filter, these characters have a meaning
    for await (const image of cloud.images(filters)) {
      if (image.name === name) found.push(image);
    }
  }
  if (found.length === 0) throw new Problem("NOT_FOUND", `no image "${name}"`, "check the name, and whose project it is in");
  found.sort((a, b) => b.created_at.localeCompare(a.created_at));
  for (const i of found) await run.row(i.id, i.status, i.visibility, i.size, i.created_at);
}

// completeNames suggests the images' names that begin with what was typed.
async function completeNames(request, signal) {
  const counts = new Map();
  for await (const { name } of new Cloud(request.clouds[0], signal).images({})) {
    if (name?.startsWith(request.prefix)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort().map(([value, n]) => ({ value, help: n === 1 ? "1 image" : `${n} images` }));
}

serve(MANIFEST, { history }, { history: completeNames });
