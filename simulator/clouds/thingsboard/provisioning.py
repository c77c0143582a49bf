# SPDX-License-Identifier: MIT
"""Provisioning: a device without credentials gets some for its profile's key and secret (thingsboard.md 6.2).

Over MQTT it has a login of its own, "provision", and a session that can do nothing else.
"""

import json
import string
from typing import TYPE_CHECKING

from simulator.clouds import mqtt
from simulator.clouds.thingsboard import bodies, credentials
from simulator.clouds.thingsboard.bodies import Provision
from simulator.clouds.thingsboard.credentials import Credentials
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.subscriptions import Subscriptions
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard
    from simulator.clouds.thingsboard.session import Session

LOGIN = "provision"
REQUEST, RESPONSE = "/provision/request", "/provision/response"
CREATE, CHECK = "ALLOW_CREATE_NEW_DEVICES", "CHECK_PRE_PROVISIONED_DEVICES"  # the strategies of a profile
_NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}
_FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
_RANDOM = string.ascii_letters + string.digits
_STATE = "provisionState"  # the server attribute that remembers
_LENGTH = 20  # of a name or token that the server invents
_OTHER, _TOPIC_INVALID = 0x83, 0x90


def begin(session: "Session") -> None:
    """Makes it a session for provisioning only."""
    session.subscriptions = Subscriptions(frozenset((RESPONSE,)))
    session.is_provisioning = True


def handle(session: "Session", packet: mqtt.Packet) -> None:
    """One packet after such a login. Whatever is no request, or not well formed, ends the session."""
    if isinstance(packet, mqtt.Subscribe):
        session.grant(packet)
    elif isinstance(packet, mqtt.Publish):
        if packet.topic != REQUEST:
            session.close(_TOPIC_INVALID, f"not for provisioning: {packet.topic}")
            return
        try:
            answer = provision(session.cloud, packet.payload)
        except bodies.BadBody as error:
            session.close(_OTHER, f"{packet.topic}: {error}")
            return
        session.ack(packet)
        session.publish(RESPONSE, json.dumps(answer).encode())
        session.later(session.cloud.settings.provision_linger_ms, lambda: session.end("cloud", "provisioning is over"))
    elif packet.kind == "pingreq":
        session.send(mqtt.pingresp())
    elif packet.kind == "disconnect":
        session.end("device", "disconnect")


def provision(cloud: "ThingsBoard", payload: bytes) -> dict:
    """The answer to a request; BadBody if it is none. Each name works once: a second attempt is a FAILURE."""
    wanted = bodies.provision(payload)
    answer = _answer(cloud, wanted)
    cloud.log("provision", device=wanted.name, status=answer["status"])
    return answer


def _answer(cloud: "ThingsBoard", wanted: Provision) -> dict:
    name = wanted.name.strip()
    if wanted.name and not name:
        return _FAILURE
    profile = _profile(cloud, wanted)
    if profile is None:
        return _NOT_FOUND
    device = cloud.devices.get(name)
    if profile.provision_type == CREATE:
        return _create(cloud, wanted, name, profile) if device is None else _FAILURE
    if device is None or device.profile is not profile or _STATE in device.server:
        return _FAILURE
    return _success(device)


def _profile(cloud: "ThingsBoard", wanted: Provision) -> Profile | None:
    """The profile of this key and secret, if it lets devices in."""
    for profile in cloud.tenant.profiles:
        if profile.provision_key == wanted.key and profile.provision_type in (CREATE, CHECK):
            return profile if profile.provision_secret == wanted.secret else None
    return None


def _create(cloud: "ThingsBoard", wanted: Provision, name: str, profile: Profile) -> dict:
    try:
        device = cloud.add_device(name or _invent(cloud), _credentials(cloud, wanted), profile)
    except UserError:  # credentials that cannot be, or that another device has
        return _FAILURE
    return _success(device)


def _credentials(cloud: "ThingsBoard", wanted: Provision) -> Credentials:
    if wanted.credentials_type == credentials.MQTT_BASIC:
        return credentials.mqtt_basic(wanted.client_id, wanted.username, wanted.password)
    if wanted.credentials_type == credentials.X509_CERTIFICATE:
        return credentials.x509(wanted.certificate)
    return credentials.access_token(wanted.token or _invent(cloud))


def _invent(cloud: "ThingsBoard") -> str:
    return "".join(cloud.random.choices(_RANDOM, k=_LENGTH))


def _success(device: Device) -> dict:
    device.server[_STATE] = "provisioned"
    given = device.credentials
    value = given.id if given.type == credentials.ACCESS_TOKEN else given.value
    return {"credentialsValue": value, "credentialsType": given.type, "status": "SUCCESS"}
