// What a plugin of imgctl in JavaScript for Node 18 or later needs: the handshake, commands, and a cloud's services.
// Build it into the plugin with the protocol's descriptor beside it, as imgctl-plugin-v1.json. The protocol is in plugin.proto.
"use strict";

const { once } = require("node:events");
const http = require("node:http");
const https = require("node:https");
const { setTimeout: sleep } = require("node:timers/promises");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const descriptor = require("./imgctl-plugin-v1.json");

const GRACE = 60_000; // ms to end commands when the host is gone
const TIMEOUT = 30_000; // ms without a byte from a service
const TRIES = 6; // of a request that failed in passing
const PASSING = [429, 500, 502, 503, 504];
const KINDS = { 401: "FORBIDDEN", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 413: "QUOTA" };

// Problem is why a command failed: a kind of the protocol such as NOT_FOUND, a message, and what to do next.
class Problem extends Error {
  constructor(kind, message, hint = "") {
    super(message);
    Object.assign(this, { kind: kind.startsWith("PROBLEM_KIND_") ? kind : "PROBLEM_KIND_" + kind, hint });
  }
}

// Run is one command under way. Its signal is aborted by an interruption, and when the host is gone.
class Run {
  #call;
  #stop = new AbortController();
  #answers = new Map();

  constructor(call, start) {
    this.#call = call;
    this.start = start;
    this.signal = this.#stop.signal;
  }

  interrupt() {
    this.#stop.abort(new Problem("CANCELLED", "interrupted"));
  }

  flag(name) {
    const flag = this.start.flags.find((f) => f.name === name);
    return flag?.[flag.value];
  }

  // row sends a row, and waits while the host doesn't keep up.
  async row(...values) {
    this.signal.throwIfAborted();
    if (!this.#call.write({ row: { values: values.map(toValue) } })) await once(this.#call, "drain", { signal: this.signal });
  }

  // access asks the host for access to the cloud of --os-cloud; with a new token if the old one was refused.
  async access(refresh = false) {
    this.signal.throwIfAborted();
    const id = String(this.#answers.size + 1);
    const reply = await new Promise((resolve, reject) => {
      this.#answers.set(id, resolve);
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
      this.#call.write({ cloud_request: { id, purpose: this.start.path.join(" "), refresh } });
    });
    if (reply.problem) throw new Problem(reply.problem.kind, reply.problem.message, reply.problem.hint);
    return reply.access;
  }

  answer(reply) {
    this.#answers.get(reply.id)?.(reply);
  }

  // carryOut runs the command, and ends it with one Done whatever happens.
  async carryOut() {
    let done = { outcome: "OUTCOME_SUCCEEDED" };
    try {
      const name = this.start.path.join(" ");
      if (!plugin.commands.has(name)) throw new Problem("USAGE", `there is no command "${name}"`);
      await plugin.commands.get(name)(this);
    } catch (e) {
      let problem = this.signal.aborted ? this.signal.reason : e;
      if (!(problem instanceof Problem)) { // a defect; its stack is for the log
        this.#call.write({ log: { level: "LOG_LEVEL_ERROR", message: e.stack } });
        problem = new Problem("INTERNAL", e.message);
      }
      done = { outcome: "OUTCOME_FAILED", problem: { kind: problem.kind, message: problem.message, hint: problem.hint } };
    }
    this.#call.write({ done });
    this.#call.end();
  }
}

// toValue is a google.protobuf.Value of null, a number or a text.
function toValue(v) {
  if (v === null || v === undefined) return { null_value: "NULL_VALUE" };
  return typeof v === "number" ? { number_value: v } : { string_value: v };
}

// Cloud GETs JSON from a cloud's services: with a new token if the old one is refused, and again if it failed in passing.
class Cloud {
  constructor(access, signal, renew = null) {
    Object.assign(this, { access, signal, renew });
  }

  endpoint(service) {
    const { catalog, endpoint_overrides: overrides, interface: kind, region } = this.access;
    const own = overrides.find((o) => o.key === service); // a descriptor's maps are lists of key and value here
    const endpoints = JSON.parse(catalog).filter((s) => s.type === service).flatMap((s) => s.endpoints);
    const url = own?.value ?? endpoints.find((e) => e.interface === kind && (!region || e.region === region))?.url;
    if (!url) throw new Problem("UNAVAILABLE", `there is no ${service} service in the catalog`, "check region and interface");
    return url.replace(/\/+$/, "");
  }

  // images gives the images that match filters of the Image service, through all pages.
  async *images(filters) {
    const base = this.endpoint("image").replace(/\/v2$/, "");
    const seen = new Set();
    let page = "/v2/images?" + new URLSearchParams({ limit: 1000, ...filters });
    while (page?.startsWith("/") && !seen.has(page)) {
      seen.add(page);
      const list = await this.get(base + page);
      yield* list.images;
      page = list.next;
    }
  }

  // get is the JSON of a response. A failure is a Problem that says what the service said.
  async get(url) {
    for (let nth = 1; ; nth++) {
      this.signal.throwIfAborted();
      const answer = await request(url, this.access, this.signal).catch((e) => ({ text: e.message || e.code }));
      this.signal.throwIfAborted();
      if (answer.status === 200) return JSON.parse(answer.text);
      if (answer.status === 401 && this.renew) {
        const renew = this.renew;
        this.renew = null;
        this.access = await renew();
        continue;
      }
      if (nth === TRIES || (answer.status && !PASSING.includes(answer.status))) {
        const text = answer.text.replace(/<[^<>]*>/g, " ").replace(/\s+/g, " ").trim().slice(0, 200); // it may be a page of HTML
        throw new Problem(KINDS[answer.status] ?? "UNAVAILABLE", `GET ${url}: ${answer.status ? answer.status + " " : ""}${text}`);
      }
      const seconds = /^\d+$/.test(answer.after) ? Number(answer.after) : 0.1 * 2 ** nth * (0.5 + Math.random() / 2);
      await sleep(Math.min(seconds, 10) * 1000, null, { signal: this.signal });
    }
  }
}

// request sends one GET. It uses no fetch, which can't trust a CA of the cloud's own. It ignores HTTP_PROXY.
function request(url, access, signal) {
  const options = { signal, timeout: TIMEOUT, headers: { "X-Auth-Token": access.token } };
  Object.assign(options, { ca: access.ca_pem || undefined, rejectUnauthorized: !access.insecure });
  return new Promise((resolve, reject) => {
    const sent = (url.startsWith("https:") ? https : http).get(url, options, async (response) => {
      try {
        let text = "";
        for await (const piece of response.setEncoding("utf8")) text += piece;
        resolve({ status: response.statusCode, after: response.headers["retry-after"], text });
      } catch (e) {
        reject(e);
      }
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${TIMEOUT / 1000} s`))).on("error", reject);
  });
}

let plugin; // its manifest, and its commands and completions by path
const running = new Set();
let stop; // ends the plugin
const stopped = new Promise((resolve) => { stop = resolve; });

// What the host calls.
const service = {
  Describe: (_, reply) => reply(null, plugin.manifest),

  // Suggests values, and none rather than an error.
  async Complete(call, reply) {
    const end = new AbortController();
    call.on("cancelled", () => end.abort());
    const complete = plugin.completions.get(call.request.path.join(" ")) ?? (async () => []);
    reply(null, { suggestions: await complete(call.request, end.signal).catch(() => []) });
  },

  Run(call) {
    let run;
    call.on("cancelled", () => run?.interrupt());
    call.on("data", (m) => {
      if (m.start && !run) {
        run = new Run(call, m.start);
        running.add(run);
        run.carryOut().finally(() => running.delete(run));
      }
      if (m.cloud_reply) run?.answer(m.cloud_reply);
      if (m.interrupt) run?.interrupt();
    });
  },
};

// plain is a service with one method, of which no descriptor is needed: it answers with these bytes.
function plain(path, bytes, then = () => {}) {
  const same = (b) => b;
  const codec = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  const call = (_, reply) => { reply(null, Buffer.from(bytes)); then(); };
  return [{ call: { path, requestStream: false, responseStream: false, ...codec } }, { call }];
}

// serve is the plugin's main program. Commands are functions of a Run, by the path; completions are functions of a
// CompleteRequest and a signal that give suggestions, and may be left out.
async function serve(manifest, commands, completions = {}) {
  plugin = { manifest, commands: new Map(Object.entries(commands)), completions: new Map(Object.entries(completions)) };
  if (process.env.IMGCTL_PLUGIN !== "run-through-imgctl") {
    console.error(`imgctl-${plugin.manifest.name} is a plugin of imgctl: run it through imgctl.`);
    process.exit(1);
  }
  const parent = process.ppid;
  const options = { longs: Number, enums: String, defaults: true, oneofs: true };
  const protocol = grpc.loadPackageDefinition(loader.loadFileDescriptorSetFromObject(descriptor, options)).imgctl.plugin.v1;
  const server = new grpc.Server({ "grpc.max_receive_message_length": 16 << 20 });
  server.addService(protocol.Plugin.service, service);
  server.addService(...plain("/grpc.health.v1.Health/Check", [8, 1])); // HealthCheckResponse{status: SERVING}
  server.addService(...plain("/plugin.GRPCController/Shutdown", [], stop)); // go-plugin's request to exit
  const socket = process.env.PLUGIN_UNIX_SOCKET_DIR + "/plugin";
  await new Promise((resolve, reject) => {
    server.bindAsync("unix:" + socket, grpc.ServerCredentials.createInsecure(), (e) => (e ? reject(e) : resolve()));
  });
  console.log(`1|1|unix|${socket}|grpc|`);

  setInterval(() => process.ppid === parent || stop(), 500); // the host may be killed
  await stopped;
  for (const run of running) run.interrupt();
  for (const end = Date.now() + GRACE; running.size > 0 && Date.now() < end;) await sleep(50);
  await Promise.race([new Promise((resolve) => { server.tryShutdown(resolve); }), sleep(200)]);
  process.exit(0);
}

module.exports = { Cloud, Problem, serve };
