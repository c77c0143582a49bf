# SPDX-License-Identifier: MIT
"""The ways in which an update comes to a board in lockstep, for who measures it: one for each cloud and source.

TLS in lockstep has no cryptography (simulator/board/secure.py), so what a real one takes outside of Python's heap does
not show: docs/memory.md says how much that is.
"""

import functools
from collections.abc import Callable

from simulator.board.lockstep import HOST, Lockstep
from simulator.board.net import EPOCH_MS
from simulator.breakage import BOARD, TITLE
from simulator.clouds.broker import Broker, Names, chunks, release
from simulator.clouds.broker.scheme import encode
from simulator.clouds.lwm2m import FileDoor, Lwm2mServer, Options, Package
from simulator.clouds.lwm2m.options import OBSERVATION_BASED, PULL, PUSH
from simulator.clouds.rainmaker import ImageStore, RainMaker
from simulator.clouds.rainmaker.pki import Authority
from simulator.clouds.thingsboard import ThingsBoard
from simulator.interpreters import Interpreter

_TOKEN = "T1"
_NODE = "240AC4000001"
_IMAGES = "images.example"
_COAP, _COAPS = 5683, 5684
_KEY = bytes(range(16))
_PRODUCT = "thermometer"
_STREAMS_FIRST, _HTTPS_FIRST = 1, 2  # values of the setting `ways`

# (interpreter, the board's image, the image that is offered as 1.1.0, heap such as "80k" or None)
Way = Callable[[Interpreter, bytes, bytes, str | None], Lockstep]


def thingsboard(interpreter: Interpreter, image: bytes, offered: bytes, heap: str | None) -> Lockstep:
    """Chunks over MQTT, without TLS."""
    cloud = ThingsBoard(seed=1, now_ms=EPOCH_MS)
    device = cloud.add_device("board-1", _TOKEN)
    cloud.assign(device, cloud.add_package(TITLE, "1.1.0", offered), EPOCH_MS)
    return Lockstep(interpreter, image, cloud, {"token": _TOKEN}, layout=BOARD, heap=heap)


def _rainmaker(ways: int, interpreter: Interpreter, image: bytes, offered: bytes, heap: str | None) -> Lockstep:
    authority = _authority()
    shown = authority.node(_NODE)
    cloud = RainMaker(seed=1, now_ms=EPOCH_MS, image_base=f"https://{_IMAGES}")
    cloud.add_node(_NODE, shown.der)
    cloud.create_job("job", cloud.add_image("1.1.0.bin", offered, "1.1.0"), EPOCH_MS, nodes=(_NODE,))
    settings = {
        "cloud": "rainmaker",
        "node_id": _NODE,
        "port": 8883,
        "ways": ways,
        "ca": authority.pem.decode(),
        "cert": shown.cert.decode(),
        "key": shown.key.decode(),
    }
    twin = Lockstep(interpreter, image, None, settings, layout=BOARD, heap=heap)
    twin.net.tells_time = True
    twin.net.serve(HOST, 8883, cloud, authority.chain(HOST))
    twin.net.serve(_IMAGES, 443, ImageStore(cloud), authority.chain(_IMAGES))
    return twin


def broker(interpreter: Interpreter, image: bytes, offered: bytes, heap: str | None) -> Lockstep:
    """Retained chunks of the maker's own broker, without TLS."""
    cloud, names = Broker(seed=1, now_ms=EPOCH_MS), Names(_PRODUCT)
    record = release(TITLE, "1.1.0", offered, immediate=True)
    for topic, payload in [*chunks(names, offered), (names.release(), encode(record))]:
        cloud.publish(topic, payload, EPOCH_MS, retain=True)
    settings = {"cloud": "broker", "product": _PRODUCT, "device_id": "board-1"}
    return Lockstep(interpreter, image, cloud, settings, layout=BOARD, heap=heap)


def _lwm2m(method: str, interpreter: Interpreter, image: bytes, offered: bytes, heap: str | None) -> Lockstep:
    """By Block2 from a file server, or by Block1 from the server itself; both without DTLS, and observed meanwhile."""
    cloud = Lwm2mServer(seed=1, now_ms=EPOCH_MS)
    device = cloud.add_device("board-1")
    cloud.bases["coap"] = f"coap://{_IMAGES}"
    chosen = Options(strategy=OBSERVATION_BASED, method=method, starts_at_once=True)
    cloud.tasks.upgrade([device], Package("app", offered, "1.1.0"), chosen)
    settings = {"cloud": "lwm2m", "port": _COAP, "endpoint": device.endpoint}
    twin = Lockstep(interpreter, image, None, settings, layout=BOARD, heap=heap)
    twin.net.serve_datagrams(HOST, _COAP, cloud)
    twin.net.serve_datagrams(_IMAGES, _COAP, FileDoor(cloud))
    return twin


def _lwm2m_secure(security: str, interpreter: Interpreter, image: bytes, offered: bytes, heap: str | None) -> Lockstep:
    """By Block2 over DTLS, as all that is said to the server; `security`: "psk" or "cert"."""
    cloud = Lwm2mServer(seed=1, now_ms=EPOCH_MS)
    device = cloud.add_device(_NODE)
    cloud.bases["coaps"] = f"coaps://{_IMAGES}"
    chosen = Options(strategy=OBSERVATION_BASED, method=PULL, protocol="coaps", starts_at_once=True)
    cloud.tasks.upgrade([device], Package("app", offered, "1.1.0"), chosen)
    settings = {"cloud": "lwm2m", "port": _COAPS, "endpoint": device.endpoint, "security": security}
    is_shared = security == "psk"
    if is_shared:
        settings |= {"psk_id": device.endpoint, "psk_key": _KEY.hex()}
    else:
        settings |= _provisioned()
    twin = Lockstep(interpreter, image, None, settings, layout=BOARD, heap=heap)
    twin.net.tells_time = True
    if is_shared:
        twin.board.know_shared_keys()
    for host, core in ((HOST, cloud), (_IMAGES, FileDoor(cloud))):
        chain, keys = ((), {device.endpoint: _KEY}) if is_shared else (_authority().chain(host), None)
        twin.net.serve_datagrams(host, _COAPS, core, chain, keys)
    return twin


def _provisioned() -> dict[str, str]:
    """Settings of a board that trusts the authority and has a certificate of it."""
    shown = _authority().node(_NODE)
    return {"ca": _authority().pem.decode(), "cert": shown.cert.decode(), "key": shown.key.decode()}


@functools.cache
def _authority() -> Authority:
    return Authority()


WAYS: dict[str, Way] = {
    "ThingsBoard, MQTT": thingsboard,
    "own broker, MQTT": broker,
    "RainMaker, HTTPS": functools.partial(_rainmaker, _HTTPS_FIRST),
    "RainMaker, MQTT stream": functools.partial(_rainmaker, _STREAMS_FIRST),
    "LwM2M, CoAP pull": functools.partial(_lwm2m, PULL),
    "LwM2M, CoAP push": functools.partial(_lwm2m, PUSH),
}
DTLS_WAYS: dict[str, Way] = {  # no part of what was promised for 80k
    "LwM2M, CoAPS pull, shared key": functools.partial(_lwm2m_secure, "psk"),
    "LwM2M, CoAPS pull, certificates": functools.partial(_lwm2m_secure, "cert"),
}
