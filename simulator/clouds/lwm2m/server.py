# SPDX-License-Identifier: MIT
"""The server itself: a sans-IO core (simulator/clouds/core.py) whose bytes are datagrams.

A connection is a peer, one address and port. With DTLS the endpoint's name has to be the one that the peer has proved:
that which goes with its key, or the common name of its certificate.
"""

import ssl
from collections.abc import Callable
from functools import partial

from aiocoap import Message
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import coap, formats, requests
from simulator.clouds.lwm2m.devices import OBSERVE, SEND, Device, Observation
from simulator.clouds.lwm2m.faults import Rule
from simulator.clouds.lwm2m.files import Files, file_kind
from simulator.clouds.lwm2m.formats import FormatError
from simulator.clouds.lwm2m.manners import NOTHING, SPLIT, Manners
from simulator.clouds.lwm2m.objects import LIFETIME, MUTE_SEND
from simulator.clouds.lwm2m.peer import Peer
from simulator.clouds.lwm2m.refresh import refresh
from simulator.clouds.lwm2m.registration import Refused, parse, update
from simulator.clouds.lwm2m.requests import Operation, Reply
from simulator.clouds.lwm2m.script import Script, Scripts
from simulator.clouds.lwm2m.tasks import Tasks
from simulator.clouds.mock import Mock
from simulator.clouds.rainmaker.pki import common_name
from simulator.errors import UserError

_FRESH_MS = 128_000  # RFC 7641, section 3.4
_HALF = 1 << 23
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Lwm2mServer(Mock):
    """`devices` by endpoint name. A device nobody has announced is taken in when it registers, unless `is_closed`.
    `bases`: what URIs of images begin with, by scheme: scheme://host:port without a slash. `mobile_groups`: all updates
    of their devices are, see Options.
    """

    client = "device"

    def __init__(
        self,
        seed: int = 0,
        now_ms: int = 0,
        on_event: Callable[[dict], None] | None = None,
        manners: Manners | None = None,
        is_closed: bool = False,
    ) -> None:
        super().__init__(seed, now_ms, on_event)
        self.cloud = self
        self.manners = manners or Manners()
        self.is_closed = is_closed
        self.files = Files(self)
        self.devices: dict[str, Device] = {}
        self.scripts = Scripts(self)
        self.tasks = Tasks(self)
        self.bases: dict[str, str] = {}
        self.mobile_groups: set[str] = set()

    # The contract of a core

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None, identity: str | None = None) -> None:
        self.tick(now_ms)
        self.sessions[conn] = Peer(self, conn, identity or (_name_in(certificate) if certificate else None))

    def is_needed(self, peer: Peer) -> bool:
        """Whether a peer that says nothing is kept: who has registered is."""
        return any(device.peer is peer for device in self.devices.values())

    def disown(self, peer: Peer) -> None:
        """Before it is answered, whoever has registered from there is forgotten."""
        for device in self.devices.values():
            if device.peer is peer:
                self.forget_registration(device)

    # Who runs it

    def add_device(self, endpoint: str, psk: bytes | None = None, psk_id: str | None = None) -> Device:
        """Known before it registers; the same one if it was already. `psk`: its key for DTLS, `psk_id`: the name of
        that, if it is another than the endpoint's.
        """
        device = self.devices.setdefault(endpoint, Device(self, endpoint))
        device.psk, device.psk_id = psk or device.psk, psk_id or device.psk_id
        return device

    def device(self, endpoint: str) -> Device:
        """Raises UserError("no_such_device")."""
        if endpoint not in self.devices:
            raise UserError("no_such_device", f"there is no device {endpoint}")
        return self.devices[endpoint]

    def forget_registration(self, device: Device, why: str = "forgotten") -> None:
        """The next Update gets 4.04; what was asked gets no answer."""
        peer, device.registration, device.peer = device.peer, None, None
        device.observations.clear()
        self.log("gone", device=device.endpoint, why=why)
        if peer is not None:
            peer.cancel()
        self.changed(device)

    def add_fault(self, text: str) -> None:
        """Puts a rule in force (faults.py says which there are); UserError("bad_fault")."""
        self.add_rule(Rule.parse(text), text)

    def changed(self, device: Device) -> None:
        """Something is known of a device that was not: scripts that wait for it look again."""
        self.scripts.wake(device)

    # For peers

    def kind_of(self, message: Message) -> tuple[str, int | None]:
        path = tuple(message.opt.uri_path)
        path = coap.segments("/".join(path))
        if path[:1] == ("rd",):
            names = {coap.POST: "register" if len(path) == 1 else "update", coap.DELETE: "deregister"}
            return names.get(message.code, "update"), None
        return ("send", None) if path == ("dp",) else file_kind(message)

    def delay_of(self, kind: str) -> int | None:
        return self.files.manners.separate_ms if kind == "file" else None

    def requested(self, peer: Peer, message: Message) -> Message | None:
        is_known = coap.knows_options(message)
        answer = self._handled(peer, message) if is_known else coap.build(Code.BAD_OPTION)
        answer.opt.block1 = message.opt.block1
        return answer

    def _handled(self, peer: Peer, message: Message) -> Message:
        message = peer.blocks.take(message, self.now_ms)
        if message.code.is_response():
            return message
        path = coap.segments("/".join(message.opt.uri_path))
        try:
            if path == ("rd",) and message.code is coap.POST:
                return self._register(peer, message)
            if path[:1] == ("rd",) and len(path) == 2 and message.code is coap.POST:
                return self._update(peer, path[1], message)
            if path[:1] == ("rd",) and len(path) == 2 and message.code is coap.DELETE:
                return self._deregister(path[1])
            if path == ("dp",) and message.code is coap.POST:
                return self._send(peer, message)
        except Refused as refused:
            self.log("refused", conn=peer.conn, path="/".join(path), code=refused.code.dotted, reason=str(refused))
            return coap.build(refused.code)
        return self.files.answer(peer, message)

    def _register(self, peer: Peer, message: Message) -> Message:
        found = parse(message, self.manners.registration, self._proved(peer), self._new_id())
        if self.is_closed and found.endpoint not in self.devices:
            raise Refused(Code.FORBIDDEN, f"nobody knows {found.endpoint}")
        device = self.add_device(found.endpoint)
        before = device.peer
        device.observations.clear()
        device.registration, device.peer = found, peer
        if before is not None:
            before.cancel()
        self._prolong(device)
        self.log("registered", device=found.endpoint, conn=peer.conn, lifetime_s=found.lifetime_s, id=found.id,
                 version=found.version, binding=found.binding, queue=found.is_queued, objects=found.objects,
                 instances=found.instances, formats=found.formats)  # fmt: skip
        self._greet(device)
        device.uplink()
        where = ("rd", found.id) if self.manners.location == SPLIT else (f"rd/{found.id}",)
        return coap.build(coap.CREATED, location_path=where)

    def _proved(self, peer: Peer) -> str | None:
        """The endpoint's name that DTLS knows; None without it."""
        if peer.identity is None:
            return None
        named = (device.endpoint for device in self.devices.values() if device.psk_id == peer.identity)
        return next(named, peer.identity)

    def _greet(self, device: Device) -> None:
        manners = self.manners
        if manners.after_register != NOTHING or manners.lifetime_s is not None or manners.mute_send is not None:
            self.scripts.start(Script(device, "refresh", self._refresh(device)))

    def _refresh(self, device: Device):
        manners = self.manners
        if manners.lifetime_s is not None:
            yield device.write(LIFETIME, manners.lifetime_s)
        if manners.mute_send is not None:
            yield device.write(MUTE_SEND, manners.mute_send)
        yield from refresh(device, manners.after_register, manners.accept)

    def _update(self, peer: Peer, registration_id: str, message: Message) -> Message:
        device = self._registered(registration_id)
        if device.is_triggered:
            self.log("too_early", device=device.endpoint, conn=peer.conn)
        changed = update(device.registration, message, self.manners.registration)
        is_moved, device.peer = device.peer is not peer, peer
        self._prolong(device)
        self.log("updated", device=device.endpoint, conn=peer.conn, changed=changed, moved=is_moved,
                 lifetime_s=device.registration.lifetime_s)  # fmt: skip
        if "objects" in changed:
            self._greet(device)
        device.uplink()
        return coap.build(coap.CHANGED)

    def _deregister(self, registration_id: str) -> Message:
        self.forget_registration(self._registered(registration_id), "deregistered")
        return coap.build(coap.DELETED)

    def _registered(self, registration_id: str) -> Device:
        for device in self.devices.values():
            if device.registration is not None and device.registration.id == registration_id:
                return device
        raise Refused(Code.NOT_FOUND, f"no registration {registration_id}")

    def _prolong(self, device: Device) -> None:
        registration = device.registration
        device.peer.root = registration.root
        registration.expires_ms = self.now_ms + registration.lifetime_s * 1000
        self.schedule(registration.lifetime_s * 1000, partial(self._expire, device, registration))

    def _expire(self, device: Device, registration: object) -> None:
        if device.registration is registration and registration.expires_ms <= self.now_ms:
            self.forget_registration(device, "expired")

    def _send(self, peer: Peer, message: Message) -> Message:
        """What a device sends of its own accord (lwm2m.md 5)."""
        device = next((one for one in self.devices.values() if one.peer is peer), None)
        if device is None:
            raise Refused(Code.BAD_REQUEST, "Send from nobody who is registered")
        number = message.opt.content_format
        if number is None or int(number) not in (formats.SENML_JSON, formats.SENML_CBOR, formats.LWM2M_CBOR):
            raise Refused(Code.BAD_REQUEST, f"Send with format {number}")
        try:
            values = formats.decode(int(number), message.payload, "/")
        except FormatError as error:
            raise Refused(Code.BAD_REQUEST, str(error)) from error
        self.log("sent", device=device.endpoint, values=values)
        device.take(values, SEND)
        device.uplink()
        return coap.build(coap.CHANGED)

    def notified(self, peer: Peer, message: Message, is_moved: bool) -> bool | None:
        """From an address that the device has not registered from it is lost, as nobody's."""
        for device in self.devices.values():
            observation = device.observations.get(message.token)
            if observation is not None:
                if (is_moved or device.peer is not peer) and not self.manners.follows_address:
                    self.log("stranger", device=device.endpoint, conn=peer.conn, path=observation.path)
                    return None
                self._notification(peer, device, observation, message)
                return True
        self.log("unwanted", conn=peer.conn)
        return False

    def _notification(self, peer: Peer, device: Device, observation: Observation, message: Message) -> None:
        """What comes out of order is old (RFC 7641, 3.4). Only the first block of a long one comes by itself."""
        sequence = message.opt.observe
        if not message.code.is_successful() or sequence is None:
            device.observations.pop(observation.token, None)
        elif not self._is_fresh(observation, sequence):
            self.log("stale", device=device.endpoint, path=observation.path, sequence=sequence)
            return
        else:
            observation.sequence, observation.at_ms = sequence, self.now_ms

        def whole(reply: Reply) -> None:
            self.log("notify", device=device.endpoint, path=observation.path, sequence=sequence, code=reply.code,
                     confirmable=message.mtype is coap.CON, format=reply.format, values=reply.values,
                     failure=reply.failure)  # fmt: skip
            if reply.is_good:
                device.take(reply.values, OBSERVE, read=observation.path)
            device.uplink()

        operation = Operation("observe", observation.path).then(whole)
        block = message.opt.block2
        if block is not None and block.more:
            reading = requests.reading(observation.path, observation.accept)
            self.schedule(0, partial(requests.go_on, peer, operation, reading, message))  # after its acknowledgement
        else:
            operation.finish(requests.read(message, message.payload, observation.path))

    def _is_fresh(self, observation: Observation, sequence: int) -> bool:
        last = observation.sequence
        if last is None or self.now_ms > observation.at_ms + _FRESH_MS:
            return True
        return (last < sequence and sequence - last < _HALF) or (last > sequence and last - sequence > _HALF)

    def _new_id(self) -> str:
        return "".join(self.random.choice(_ALPHABET) for _ in range(5))


def _name_in(certificate: bytes) -> str:
    """Of a certificate in DER; one that is for nobody is nobody's."""
    try:
        return common_name(ssl.DER_cert_to_PEM_cert(certificate).encode())
    except UserError:
        return ""
