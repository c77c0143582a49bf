# SPDX-License-Identifier: MIT
"""A real mosquitto on a loopback port, and paho-mqtt as the other party: neither knows anything of our code."""

import base64
import hashlib
import queue
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

import paho.mqtt.client as paho

from simulator import foreign

USERS = dict.fromkeys(("board", "observer", "maker", "board-1", "board-2", "board-3"), "secret")
LIMIT_S = 10  # for whatever must happen; nothing here takes a tenth of that
CONFIG = """
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
user root
persistence true
persistence_location {folder}/
log_type all
log_dest stderr
"""


class Broker:
    """Runs below `folder`; a context manager that leaves nothing running. `log` has a line for each packet."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen | None = None
        self.port = 0
        (folder / "passwords").write_text("".join(map(_password_line, USERS.items())))

    def __enter__(self) -> Self:
        foreign.on_free_port(self._start_on)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def _start_on(self, port: int) -> None:
        self.port = port
        self.start()

    def start(self, settings: str = "") -> None:
        """Starts it (again, on the same port) and waits until it listens. `settings`: more lines of its config."""
        config = self._folder / "mosquitto.conf"
        config.write_text(CONFIG.format(port=self.port, folder=self._folder) + settings)
        with (self._folder / "log").open("a+") as log:
            self._process = foreign.start([self._program, "-c", config], log, self._listens)

    def _listens(self, _: subprocess.Popen) -> bool:
        try:
            socket.create_connection((foreign.HOST, self.port), LIMIT_S).close()
        except ConnectionRefusedError:
            return False
        return True

    def kill(self) -> None:
        """Ends it without a goodbye to anybody; the kernel closes its connections."""
        assert self._process
        self._process.kill()
        self._process.wait(LIMIT_S)

    def restart(self, settings: str = "") -> None:
        """Ends it as an administrator does: it writes down sessions and retained messages. Then see `start`."""
        assert self._process
        self._process.terminate()
        self._process.wait(LIMIT_S)
        self.start(settings)

    def freeze(self) -> None:
        """From now on it is silent, its connections stay open; `kill` still ends it."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def wait_for(self, line: str, times: int = 1) -> None:
        """Until the log has it that often."""
        end = time.monotonic() + LIMIT_S
        while self.log.count(line) < times:
            assert time.monotonic() < end, f"no {line!r} in the log:\n{self.log}"
            time.sleep(0.01)


class Observer:
    """A client of paho-mqtt that is connected from the start; a context manager. `kept`: keeps its session."""

    def __init__(self, port: int, name: str = "observer", kept: bool = False) -> None:
        self._messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self._subscribed = threading.Event()
        connected: queue.Queue[bool] = queue.Queue()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, name, clean_session=not kept, reconnect_on_failure=False
        )
        self._client.username_pw_set("observer", USERS["observer"])
        self._client.on_connect = lambda client, data, flags, *_: connected.put(flags.session_present)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda client, data, message: self._messages.put(message)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.session_present = connected.get(timeout=LIMIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """Until it is granted."""
        self._subscribed.clear()
        self._client.subscribe(topic, qos)
        assert self._subscribed.wait(LIMIT_S)

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        """Until the broker has it."""
        self._client.publish(topic, payload, qos, retain).wait_for_publish(LIMIT_S)

    def take(self) -> paho.MQTTMessage:
        """The next message, in the order of arrival."""
        return self._messages.get(timeout=LIMIT_S)


def _password_line(user: tuple[str, str]) -> str:
    """In mosquitto's own format: PBKDF2 with SHA-512, 101 rounds."""
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", user[1].encode(), salt, 101)
    return f"{user[0]}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"
