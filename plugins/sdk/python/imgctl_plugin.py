"""The protocol between imgctl and a plugin, for Python: grpcio and protobuf are all it needs.

The messages come from the protocol's descriptor, which imgctl's sources have as
plugins/sdk/proto/released/v1.0.json: put it beside this file as imgctl-plugin-v1.json. What they
mean is in plugin.proto.
"""

import concurrent.futures
import html
import http.client
import json
import os
import pkgutil
import queue
import random
import re
import ssl
import sys
import threading
import traceback
import urllib.error
import urllib.parse
import urllib.request

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2  # noqa: F401, the protocol imports them

GRACE = 60  # seconds to clean up when the host is gone
TRIES = 6  # of a request that a service turns away in passing
PASSING = {429, 500, 502, 503, 504}


def load():
    """Gives a function from a message's name to its class, and the protocol's enums by value."""
    text = pkgutil.get_data(__name__, "imgctl-plugin-v1.json")  # from a folder or a zip file
    files = json_format.Parse(text, descriptor_pb2.FileDescriptorSet()).file
    pool = descriptor_pool.Default()
    values = {}
    for file in files:
        if not file.name.startswith("google/protobuf/"):  # the library has its own
            pool.Add(file)
        for enum in file.enum_type:
            values.update({v.name: v.number for v in enum.value})
    make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    return (lambda name: make(pool.FindMessageTypeByName("imgctl.plugin.v1." + name))), values


message, enum = load()
PluginMessage, HostMessage = message("PluginMessage"), message("HostMessage")


class Problem(Exception):
    """Why a command failed: a kind of the protocol such as NOT_FOUND, a message, and what to do next."""

    def __init__(self, kind, text, hint=""):
        super().__init__(text)
        self.kind, self.text, self.hint = enum["PROBLEM_KIND_" + kind], text, hint


class Run:
    """One command under way: its input, and the methods that send what it yields."""

    def __init__(self, start, context):
        self.start = start
        self.flags = {f.name: getattr(f, f.WhichOneof("value") or "string_value") for f in start.flags}
        self.interrupted = threading.Event()
        self.outgoing = queue.Queue(maxsize=100)
        self._answers = {}
        self._last = 0
        context.add_callback(self.interrupted.set)  # the host is gone

    def send(self, **kind):
        self.outgoing.put(PluginMessage(**kind))

    def row(self, *values):
        out = PluginMessage(row=message("Row")())
        for v in values:
            json_format.ParseDict(v, out.row.values.add())
        self.outgoing.put(out)

    def text(self, text):
        self.send(text={"text": text})

    def ask(self, kind, **question):
        """Sends a Prompt or CloudRequest, and gives what the host answers."""
        self._last += 1
        question["id"] = str(self._last)
        answer = self._answers[question["id"]] = queue.Queue(maxsize=1)
        self.send(**{kind: question})
        while True:
            try:
                return answer.get(timeout=0.2)
            except queue.Empty:
                if self.interrupted.is_set():
                    raise Problem("CANCELLED", "interrupted") from None

    def listen(self, messages):
        """Takes what the host sends, until the stream ends."""
        try:
            for m in messages:
                if m.HasField("interrupt"):
                    self.interrupted.set()
                for kind in ("answer", "cloud_reply"):
                    if m.HasField(kind):
                        reply = getattr(m, kind)
                        self._answers[reply.id].put(reply)
        except grpc.RpcError:
            self.interrupted.set()

    def cloud(self, name="", refresh=False):
        """The access to a cloud of the user; "" is the one of --os-cloud."""
        reply = self.ask("cloud_request", name=name, purpose=" ".join(self.start.path), refresh=refresh)
        if reply.HasField("problem"):
            failed = Problem("INTERNAL", reply.problem.message, reply.problem.hint)
            failed.kind = reply.problem.kind
            raise failed
        return Cloud(self, reply.access)


class Cloud:
    """GETs JSON from a cloud's services: with a new token if the old one is refused, and again if it failed in passing."""

    def __init__(self, run, access):
        self.run, self.access, self.renewed = run, access, False
        self.tls = ssl.create_default_context(cadata=access.ca_pem or None)
        if access.insecure:
            self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def endpoint(self, service):
        if service in self.access.endpoint_overrides:
            return self.access.endpoint_overrides[service].rstrip("/")
        for entry in json.loads(self.access.catalog):
            for e in entry["endpoints"] if entry["type"] == service else []:
                if e["interface"] == self.access.interface and self.access.region in ("", e["region"]):
                    return e["url"].rstrip("/")
        raise Problem("UNAVAILABLE", f"there is no {service} service in the catalog", "check region and interface")

    def get(self, url):
        """The JSON of a response. A failure is a Problem that says what the service said."""
        for left in reversed(range(TRIES)):
            if self.run.interrupted.is_set():
                raise Problem("CANCELLED", "interrupted")
            request = urllib.request.Request(url, headers={"X-Auth-Token": self.access.token})
            try:
                with urllib.request.urlopen(request, timeout=30, context=self.tls) as response:
                    return json.load(response)
            except urllib.error.HTTPError as e:
                if e.code == 401 and not self.renewed:
                    self.renewed = True
                    self.access = self.run.cloud(self.access.name, refresh=True).access
                    continue
                if left and e.code in PASSING:
                    self.wait(TRIES - left, e.headers.get("Retry-After"))
                    continue
                kind = {401: "FORBIDDEN", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 413: "QUOTA"}.get(e.code, "UNAVAILABLE")
                raise Problem(kind, f"GET {url}: {e.code} {said(e.read()) or e.reason}") from e
            except (OSError, http.client.HTTPException) as e:  # the second is an answer that was cut off
                if left:
                    self.wait(TRIES - left)
                    continue
                raise Problem("UNAVAILABLE", f"GET {url}: {e}") from e
            except ValueError as e:
                raise Problem("UNAVAILABLE", f"GET {url}: the answer isn't JSON") from e
        raise Problem("FORBIDDEN", f"GET {url}: the token is refused")

    def wait(self, nth, retry_after=None):
        """Waits before the next try, at most ten seconds, and not when the command is interrupted."""
        seconds = 0.1 * 2**nth * random.uniform(0.5, 1)
        if retry_after and retry_after.isdigit():
            seconds = int(retry_after)
        self.run.interrupted.wait(min(seconds, 10))

    def pages(self, service, path, key):
        """Each element of a list such as pages("image", "/v2/images", "images"), through all of its pages."""
        base = self.endpoint(service)
        version = path.split("/")[1]
        base = base.removesuffix("/" + version)
        page, seen = path, set()
        while page and page not in seen:
            seen.add(page)
            found = self.get(base + page)
            yield from found[key]
            page = found.get("next")

    def images(self, **filters):
        """The images that match filters of the Image service, such as owner=ID."""
        yield from self.pages("image", "/v2/images?" + urllib.parse.urlencode({"limit": 1000, **filters}), "images")

    def find_image(self, image, owner=""):
        """The image with this id, or the only one of exactly this name, hidden ones included."""
        if not image:
            raise Problem("USAGE", "the image is empty", "give an image's id or name")
        if re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", image):
            return self.get(self.endpoint("image").removesuffix("/v2") + "/v2/images/" + image)
        filters = {"owner": owner} if owner else {}
        if not re.search('[:,"\\\\]', image):  # which mean something in a filter
            filters["name"] = image
        hidden = ({}, {"os_hidden": "true"})
        found = [i for h in hidden for i in self.images(**filters, **h) if i["name"] == image]
        if not found:
            raise Problem("NOT_FOUND", f'no image "{image}"', "check the name, and whose project it is in")
        if len(found) > 1:
            listed = "".join(f"\n  {i['id']}  created {i['created_at']}  owner {i['owner']}" for i in found[:20])
            raise Problem("AMBIGUOUS", f'{len(found)} images "{image}":{listed}', "give the id of one")
        return found[0]


def said(body):
    """The message in a service's error: that in its JSON, or its text without HTML's tags."""
    text = body.decode(errors="replace")
    try:
        inner = json.loads(text)
        while isinstance(inner, dict):
            inner = next((inner[k] for k in ("message", "faultstring", "detail") if inner.get(k)), None) or next(iter(inner.values()), "")
        text = str(inner).replace("<br />", " ")
    except ValueError:
        text = html.unescape(re.sub(r"(?is)<(head|h1|style|script)\b.*?</\1>|<[^<>]*>", " ", text))
    return " ".join(text.split())[:200]


def complete_images(completing):
    """Suggests the images whose names begin with what was typed; for the completions of serve."""
    cloud = completing.cloud()
    return sorted({i["name"]: i["id"] for i in cloud.images() if i["name"] and i["name"].startswith(completing.prefix)}.items())


class Completing:
    """What was typed so far: prefix of the flag or argument, and the flags and arguments before it."""

    def __init__(self, request):
        self.request, self.prefix, self.args = request, request.prefix, list(request.args)
        self.flags = {f.name: getattr(f, f.WhichOneof("value") or "string_value") for f in request.flags}
        self.interrupted = threading.Event()

    def cloud(self, name="", refresh=False):
        """A cloud that the command line names; "" is the one of --os-cloud. Tokens aren't renewed."""
        for access in self.request.clouds:
            if name in ("", access.name):
                return Cloud(self, access)
        raise Problem("UNAVAILABLE", "there is no cloud to complete from")


class Service(grpc.GenericRpcHandler):
    """Answers the host's calls. commands maps a path such as "image age" to its function, completions to another."""

    def __init__(self, manifest, commands, completions):
        self.manifest, self.commands, self.completions, self.running = manifest, commands, completions, 0
        self.stopped = threading.Event()

    def service(self, details):
        return {
            "/imgctl.plugin.v1.Plugin/Describe": grpc.unary_unary_rpc_method_handler(
                lambda _, __: self.manifest, message("DescribeRequest").FromString, message("Manifest").SerializeToString
            ),
            "/imgctl.plugin.v1.Plugin/Complete": grpc.unary_unary_rpc_method_handler(
                self.complete, message("CompleteRequest").FromString, message("CompleteReply").SerializeToString
            ),
            "/imgctl.plugin.v1.Plugin/Run": grpc.stream_stream_rpc_method_handler(
                self.run, HostMessage.FromString, PluginMessage.SerializeToString
            ),
            # HealthCheckResponse{status: SERVING}; and go-plugin's request to exit.
            "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(lambda _, __: b"\x08\x01"),
            "/plugin.GRPCController/Shutdown": grpc.unary_unary_rpc_method_handler(self.shutdown),
        }.get(details.method)

    def complete(self, request, _):
        """Suggests values, and none rather than an error."""
        reply = message("CompleteReply")()
        try:
            found = self.completions.get(" ".join(request.path), lambda _: ())(Completing(request))
            reply.suggestions.extend(message("Suggestion")(value=value, help=text) for value, text in found)
        except Exception:
            traceback.print_exc()
        return reply

    def shutdown(self, _, __):
        self.stopped.set()
        return b""

    def run(self, messages, context):
        self.running += 1
        try:
            run = Run(next(messages).start, context)
            threading.Thread(target=run.listen, args=(messages,), daemon=True).start()
            threading.Thread(target=self.work, args=(run,), daemon=True).start()
            while True:
                out = run.outgoing.get()
                yield out
                if out.HasField("done"):
                    return
        finally:
            self.running -= 1

    def work(self, run):
        """Carries out the command, and ends it with one Done whatever happens."""
        path = " ".join(run.start.path)
        try:
            if path not in self.commands:
                raise Problem("USAGE", f"there is no command {path!r}")
            self.commands[path](run)
            done = {"outcome": enum["OUTCOME_SUCCEEDED"]}
        except Problem as p:
            done = {"outcome": enum["OUTCOME_FAILED"], "problem": {"kind": p.kind, "message": p.text, "hint": p.hint}}
        except Exception as e:  # a defect; its stack is for the log
            run.send(log={"level": enum["LOG_LEVEL_ERROR"], "message": traceback.format_exc()})
            done = {"outcome": enum["OUTCOME_FAILED"], "problem": {"kind": enum["PROBLEM_KIND_INTERNAL"], "message": repr(e)}}
        run.send(done=done)

    def outlive(self, parent):
        """Waits until the host says so or is gone, and then for what runs."""
        while not self.stopped.wait(0.5):
            if os.getppid() != parent:
                break
        for _ in range(GRACE * 10):
            if not self.running:
                return
            threading.Event().wait(0.1)


def serve(manifest, commands, completions=()):
    """Serves the plugin; main calls this and nothing else. completions maps a path to a function of a Completing,
    which gives pairs of a value and what it stands for."""
    manifest = json_format.ParseDict(manifest, message("Manifest")())
    if os.environ.get("IMGCTL_PLUGIN") != "run-through-imgctl":
        sys.exit(f"imgctl-{manifest.name} is a plugin of imgctl: run it through imgctl.")
    parent = os.getppid()
    service = Service(manifest, commands, dict(completions))
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((service,))
    socket = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "plugin")
    server.add_insecure_port("unix:" + socket)
    server.start()
    print(f"1|1|unix|{socket}|grpc|", flush=True)
    service.outlive(parent)
    server.stop(0.2).wait()
    os._exit(0)  # threads of commands that nobody waits for any more
