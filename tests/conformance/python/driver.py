"""The official Python SDK behind the line protocol of ../README.md."""

import asyncio
import base64
import itertools
import json
import logging
import platform
import re
import sys
import threading
from importlib.metadata import version

from azure.iot.device import Message, MethodResponse, exceptions
from azure.iot.device.aio import IoTHubDeviceClient, IoTHubModuleClient

RENEWAL_MARGIN_S = 120  # compiled into the SDK

KINDS = [
    (exceptions.CredentialError, "unauthorized"),
    ((exceptions.ConnectionFailedError, exceptions.ConnectionDroppedError, exceptions.NoConnectionError, OSError), "unreachable"),
    (exceptions.OperationTimeout, "timeout"),
    (exceptions.ServiceError, "refused"),
    (NotImplementedError, "unsupported"),
    ((ValueError, TypeError), "invalid"),
]

clients = {}
numbers = itertools.count(1)
printing = threading.Lock()


def say(what):
    line = json.dumps(what) + "\n"
    with printing:  # the SDK's handlers have a thread of their own
        sys.stdout.write(line)
        sys.stdout.flush()


def told(error):
    """What the SDK tells of an error; it hides some behind others."""
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    kind = next((name for cause in causes for types, name in KINDS if isinstance(cause, types)), "unknown")
    status = next((int(m[1]) for m in (re.search(r"returned status (\d+)", str(cause)) for cause in causes) if m), None)
    text = " <- ".join(f"{type(cause).__name__}: {cause}" for cause in causes)
    return {"kind": kind, "message": text, **({"status": status} if status else {})}


def written(message):
    body = message["body"] if "body" in message else base64.b64decode(message["bodyBase64"])
    m = Message(body, message.get("messageId"), message.get("contentEncoding"), message.get("contentType"), message.get("output"))
    m.correlation_id = message.get("correlationId")
    m.user_id = message.get("userId")
    m.expiry_time_utc = message.get("expiry")
    m.custom_properties = message.get("properties", {})
    if message.get("security"):
        m.set_as_security_message()
    return m


def read(m):
    try:
        body = {"body": m.data.decode()}
    except UnicodeDecodeError:
        body = {"bodyBase64": base64.b64encode(m.data).decode()}
    system = {
        "messageId": m.message_id,
        "correlationId": m.correlation_id,
        "userId": m.user_id,
        "contentType": m.content_type,
        "contentEncoding": m.content_encoding,
        "expiry": m.expiry_time_utc,
    }
    return {**body, "properties": m.custom_properties, **{name: value for name, value in system.items() if value is not None}}


class Driven:
    def __init__(self, name):
        self.name = name
        self.calls = {}  # method requests that wait for their answer
        self.methods = set()

    def tell(self, event, **members):
        say({"event": event, "client": self.name, **members})

    async def connect(self, ca, connectionString=None, sas=None, host=None, device=None, module=None, modelId=None, keepAlive=None, tokenSeconds=None, renewSeconds=None, retry=True):
        with open(ca) as file:
            options = {"server_verification_cert": file.read(), "connection_retry": retry, "connection_retry_interval": 1}
        if modelId:
            options["product_info"] = modelId
        if keepAlive:
            options["keep_alive"] = keepAlive
        if tokenSeconds:
            options["sastoken_ttl"] = RENEWAL_MARGIN_S + tokenSeconds - renewSeconds  # renewed as soon
        kind = IoTHubModuleClient if module or "ModuleId=" in (connectionString or "") else IoTHubDeviceClient
        self.sdk = kind.create_from_sastoken(sas, **options) if sas else kind.create_from_connection_string(connectionString, **options)
        clients[self.name] = self
        try:
            await self.sdk.connect()
        except BaseException:
            await self.disconnect()
            raise

        async def on_state():
            self.tell("connected" if self.sdk.connected else "disconnected")

        self.sdk.on_connection_state_change = on_state

    async def disconnect(self):
        clients.pop(self.name)
        try:
            await self.sdk.shutdown()
        except exceptions.NoConnectionError:
            pass  # its connection was lost a moment ago: there is nobody to say good-bye to

    async def listen(self, what, names=()):
        # Coroutines: the SDK runs these one after the other, and so in the order in which things came.
        async def on_desired(patch):
            self.tell("desired", patch=patch)

        async def on_method(request):
            if request.name not in self.methods:  # as Microsoft's samples do
                await self.sdk.send_method_response(MethodResponse.create_from_method_request(request, 404))
                return
            call = next(numbers)
            self.calls[call] = request
            self.tell("method", call=call, name=request.name, payload=request.payload)

        async def on_message(message):
            if message.input_name:
                self.tell("input", input=message.input_name, **read(message))
            else:
                self.tell("message", message=next(numbers), **read(message))

        if what == "desired":
            self.sdk.on_twin_desired_properties_patch_received = on_desired
        elif what == "methods":
            self.methods.update(names)
            self.sdk.on_method_request_received = on_method
        else:
            self.sdk.on_message_received = on_message

    async def twin(self):
        return await self.sdk.get_twin()

    async def report(self, patch):
        await self.sdk.patch_twin_reported_properties(patch)

    async def send(self, message):
        m = written(message)
        await (self.sdk.send_message_to_output(m, m.output_name) if m.output_name else self.sdk.send_message(m))

    async def answer(self, call, status, payload=None):
        await self.sdk.send_method_response(MethodResponse.create_from_method_request(self.calls.pop(call), status, payload))

    async def settle(self, message, how):
        if how != "complete":  # which it does by itself
            raise NotImplementedError(how)

    async def renew(self, sas):
        await self.sdk.update_sastoken(sas)


async def answer(id, do, client, **members):
    try:
        driven = Driven(client) if do == "connect" else clients.get(client)
        if driven is None and do != "disconnect":
            raise ValueError(f"there is no client {client}")
        say({"id": id, "ok": await getattr(driven, do)(**members) if driven else None})
    except Exception as error:
        say({"id": id, "error": told(error)})


async def main():
    # What fails in the background is logged by the SDK; the driver's log is where it belongs.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    say({"hello": {"language": "python", "sdk": f"azure-iot-device {version('azure-iot-device')}", "runtime": f"Python {platform.python_version()}"}})
    requests = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    running = set()
    while line := await requests.readline():
        request = json.loads(line)
        if request["do"] == "quit":
            return
        task = asyncio.create_task(answer(**request))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())
