# SPDX-License-Identifier: MIT
"""Runs in the environment of ThingsBoard's own Python client: one scenario, its outcome as JSON on the last line.

python official.py SCENARIO '{"port": ..., ...}'
"""

import hashlib
import json
import logging
import queue
import sys
import time
from pathlib import Path

from tb_device_http import TBHTTPDevice
from tb_device_mqtt import TBDeviceMqttClient

HOST, NAME = "127.0.0.1", "localhost"
WAIT_S = 30


def connect(port: int, tls: dict | None = None, **login) -> TBDeviceMqttClient:
    """`tls`: what the client takes for that, and then the server is called by its name."""
    client = TBDeviceMqttClient(NAME if tls else HOST, port, **login)
    client.connect(tls=bool(tls), **(tls or {}))  # a callback given here may be lost: it is remembered too late
    deadline = time.monotonic() + WAIT_S
    while not client.is_connected():
        if time.monotonic() > deadline:
            raise SystemExit("the client does not connect")
        time.sleep(0.01)
    return client


def mqtt_update(port: int, chunk_size: int, token: str | None = None, tls: dict | None = None) -> dict:
    """A whole download as the client does it, up to its callback."""
    client = connect(port, tls, username=token, chunk_size=chunk_size)
    received = queue.Queue()
    client.set_on_firmware_received_callback(lambda _client, data, version: received.put((data, version)))
    client.get_firmware_update()
    data, version = received.get(timeout=WAIT_S)
    client.stop()
    client.disconnect()
    return {"sha256": hashlib.sha256(data).hexdigest(), "version": version}


def http_update(port: int, token: str, chunk_size: int, title: str) -> dict:
    """The same over HTTP, up to the file that the client writes where it is, under the title's name."""
    device = TBHTTPDevice(f"http://{HOST}:{port}", token, chunk_size=chunk_size)
    device.get_firmware_update()
    # What it queues meanwhile is one object that it changes while it waits: said aloud only once, here.
    device.send_telemetry({"fw_state": "UPDATED"}, queued=False)
    return {"sha256": hashlib.sha256(Path(title).read_bytes()).hexdigest()}


def provision(port: int, **request) -> dict:
    return TBDeviceMqttClient.provision(HOST, "K", "S", port=port, **request) or {}


def talk(port: int, token: str) -> dict:
    """Telemetry, both kinds of attributes, calls both ways, and a claim."""
    client = connect(port, username=token)
    said = queue.Queue()
    client.subscribe_to_all_attributes(lambda body, *_: said.put({"push": body}))

    def called(request_id: str, body: dict) -> None:
        client.send_rpc_reply(request_id, {"was": body["params"]}, wait_for_publish=True)
        said.put({"call": body})

    client.set_server_side_rpc_request_handler(called)
    client.claim("open sesame").get()
    client.send_attributes({"serial": "s-1"}).get()
    client.send_telemetry({"temperature": 21.5}).get()
    print("ready", flush=True)
    heard = [said.get(timeout=WAIT_S) for _ in range(2)]
    client.request_attributes(["serial"], ["interval"], lambda body, *_: said.put({"answer": body}))
    heard.append(said.get(timeout=WAIT_S))
    limits = queue.Queue()
    client.send_rpc_call("getSessionLimits", {}, lambda _client, body, *_: limits.put(body))
    heard.append({"limits": limits.get(timeout=WAIT_S)})
    client.stop()
    client.disconnect()
    return {name: value for entry in heard for name, value in entry.items()}


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    scenario = {f.__name__: f for f in (mqtt_update, http_update, provision, talk)}[sys.argv[1]]
    print(json.dumps(scenario(**json.loads(sys.argv[2]))), flush=True)
