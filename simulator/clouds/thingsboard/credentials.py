# SPDX-License-Identifier: MIT
"""What a device proves itself with, and how the server finds the device by it (thingsboard.md 1.1).

The server knows each device by one text, the credentials' id: the access token, or a user name, or a SHA3-256 in hex
over a client id, over client id and user name, or over a certificate.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509 as certificates
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.devices import Device

ACCESS_TOKEN, MQTT_BASIC, X509_CERTIFICATE = "ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE"
_PEM_NOISE = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "\n", "\r")


@dataclass(frozen=True)
class Credentials:
    """`value` is None for a token, the stored fields for MQTT basic, the certificate without its frame for X.509."""

    type: str
    id: str
    value: dict[str, str] | str | None = None


def access_token(token: str) -> Credentials:
    return Credentials(ACCESS_TOKEN, token)


def mqtt_basic(client_id: str = "", username: str = "", password: str = "") -> Credentials:
    """Any combination but a password alone or beside a client id alone: UserError("bad_credentials")."""
    if not client_id and not username:
        raise UserError("bad_credentials", "MQTT credentials need a client id or a user name")
    if client_id and password and not username:
        raise UserError("bad_credentials", "MQTT credentials with a password need a user name")
    identity = _sha3("|".join(filter(None, (client_id, username)))) if client_id else username
    fields = {"clientId": client_id, "userName": username, "password": password}
    return Credentials(MQTT_BASIC, identity, {name: text for name, text in fields.items() if text})


def x509(pem: str) -> Credentials:
    """For a client certificate in PEM; header, footer and line ends do not count."""
    text = _trim(pem)
    if not text:
        raise UserError("bad_credentials", "X.509 credentials need a certificate")
    return Credentials(X509_CERTIFICATE, _sha3(text), text)


def by_login(
    find: Callable[[str], "Device | None"], client_id: str, username: str | None, password: bytes | None
) -> "Device | None":
    """Whose MQTT login this is. `find` gives the device of a credentials' id.

    Client id and user name together are tried first; a wrong password there is final. Then the user name alone, as a
    token, with which password and client id do not count, or as MQTT basic.
    """
    if not username:
        device = find(_sha3(client_id))
        return device if device and _is_valid(device.credentials, client_id, "", password) else None
    device = find(_sha3(f"{client_id}|{username}" if client_id else username))
    if device and device.credentials.type == MQTT_BASIC:
        return device if _is_valid(device.credentials, client_id, username, password) else None
    device = find(username)
    if device is None or device.credentials.type == ACCESS_TOKEN:
        return device
    return device if _is_valid(device.credentials, client_id, username, password) else None


def by_certificate(find: Callable[[str], "Device | None"], der: bytes, now_ms: int) -> "Device | None":
    """Whose client certificate this is; nobody's if it is not valid today."""
    certificate = certificates.load_der_x509_certificate(der)
    now_s = now_ms / 1000
    if not certificate.not_valid_before_utc.timestamp() <= now_s <= certificate.not_valid_after_utc.timestamp():
        return None
    device = find(x509(certificate.public_bytes(Encoding.PEM).decode()).id)
    return device if device and device.credentials.type == X509_CERTIFICATE else None


def _is_valid(credentials: Credentials, client_id: str, username: str, password: bytes | None) -> bool:
    """Every field that is stored must be the same; what is not stored is not looked at."""
    if credentials.type != MQTT_BASIC:
        return False
    given = {"clientId": client_id, "userName": username, "password": (password or b"").decode(errors="replace")}
    return all(given[name] == text for name, text in credentials.value.items())


def _trim(pem: str) -> str:
    for noise in _PEM_NOISE:
        pem = pem.replace(noise, "")
    return pem


def _sha3(text: str) -> str:
    return hashlib.sha3_256(_trim(text).encode()).hexdigest()
