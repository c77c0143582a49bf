# SPDX-License-Identifier: MIT
"""Device side of tests/wire: does what each line on standard input says, with our MQTT layer over a real socket.

usage: device.py FOLDER...    the folders go to the front of sys.path: the firmware, one version of umqtt.simple, and
                              on CPython the twins of MicroPython's own modules
A line is the repr() of an expression or a statement. The answer is one line, too: the repr() of its value, or
`!` and the repr() of (code, detail) when it raised an OtaError.
"""

import binascii
import hashlib
import struct
import sys

for _folder in reversed(sys.argv[1:]):
    sys.path.insert(0, _folder)
if sys.implementation.name == "cpython":  # umqtt.simple 1.3.4 imports the old names
    sys.modules.update(ustruct=struct, ubinascii=binascii)

from umqtt import simple  # noqa: E402
from usocket import getaddrinfo, socket  # noqa: E402

from ota import mqtt, mqtt_login  # noqa: E402
from ota.errors import OtaError  # noqa: E402
from ota.port import Stream, ticks_diff, ticks_ms  # noqa: E402

BLOCK = bytearray(4096)
PIECE = 1000  # does not divide the block, on purpose
UMQTTS_SOCKET = simple.socket


def dial(port, user=b"board", password=b"secret", keepalive_s=60, timeout_s=5, client_id=b"board"):
    """A client whose stream is connected; CONNECT is not sent yet."""
    sock = socket()
    sock.settimeout(timeout_s)
    sock.connect(getaddrinfo("127.0.0.1", port)[0][-1])
    return mqtt.Mqtt(Stream(sock), client_id, user, password, keepalive_s)


def connect(port, **options):
    client = dial(port, **options)
    client.connect()
    return client


def connect_kept(port):
    """As `connect`, but the broker keeps the session: something our agent never asks for."""
    client = dial(port)
    real, simple.socket = simple.socket, mqtt_login.Socket(client._stream)
    try:
        simple.MQTTClient.connect(client, False)
    finally:
        simple.socket = real
    return client


def wait(client, ms=5000):
    """What the next packet is that anybody wants; 0 when there is none for `ms`."""
    start = ticks_ms()
    while ticks_diff(ticks_ms(), start) < ms:
        kind = client.poll(50)
        if kind:
            return kind
    return 0


def subscribe(client, *topics):
    """The answer to SUBSCRIBE: one byte for each topic."""
    client.subscribe(topics)
    return client.payload(100) if wait(client) == mqtt.SUBACK else None


def read(client):
    """The next message as (topic, size, SHA-256 in hex), its payload read into a block piece by piece."""
    if wait(client) != mqtt.PUBLISH:
        return None
    topic, size, digest = bytes(client.topic[: client.topic_size]), client.left, hashlib.sha256()
    while client.left:
        n = min(client.left, PIECE)
        client.read_payload(BLOCK, n)
        digest.update(BLOCK[:n])
    return topic, size, binascii.hexlify(digest.digest()).decode()


def publish(client, topic, payload):
    """At QoS 1: (packet id, the packet id that was acknowledged)."""
    pid = client.send(topic, payload)
    return pid, client.acked if wait(client) == mqtt.PUBACK else None


def _value(line):
    try:
        code = compile(line, "line", "eval")
    except SyntaxError:
        return exec(line, globals())
    return eval(code, globals())


def _answer(line):
    try:
        return repr(_value(line))
    except OtaError as error:
        return "!" + repr((error.code, error.detail))


while True:
    _line = sys.stdin.readline()
    if not _line:
        break
    print(_answer(eval(_line)))
