"""A small agent on the official Python SDK, unmodified: reports how often it measures, and measures as often as it is told.

The connection string comes from IOTHUB_DEVICE_CONNECTION_STRING, the hub's CA from SSL_CERT_FILE; `twinsim run` and
`twinsim env` set both.
"""

import json
import os
import signal
import threading

from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient, Message


def main():
    text = os.environ["IOTHUB_DEVICE_CONNECTION_STRING"]
    kind = IoTHubModuleClient if "ModuleId=" in text else IoTHubDeviceClient
    client = kind.create_from_connection_string(text)
    interval = 60
    lock = threading.Lock()

    def apply(desired):
        """Take over what is desired, say so, and send a measurement."""
        nonlocal interval
        with lock:
            interval = desired.get("interval", interval)
            client.patch_twin_reported_properties({"sdk": "python", "interval": interval})
            print(f"reported interval {interval}", flush=True)
            message = Message(json.dumps({"temperature": 21.5, "interval": interval}), content_encoding="utf-8", content_type="application/json")
            message.custom_properties["unit"] = "Celsius"
            client.send_message(message)

    client.connect()
    # Listening comes first, so that no change falls between the reading and the listening. After a reconnect the SDK reads the
    # twin by itself and calls this with what changed meanwhile.
    client.on_twin_desired_properties_patch_received = apply
    apply(client.get_twin()["desired"])

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    client.shutdown()


main()
