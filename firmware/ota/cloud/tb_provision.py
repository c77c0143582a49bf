# SPDX-License-Identifier: MIT
"""ThingsBoard: a token for a board that has none yet, by the key and secret of its profile; and claiming.

The server makes a device once: a second request for the same name fails for ever (thingsboard.md 6.2). So the token is
in NVS before the connection ends, and a token that is there already is never asked for again or replaced.
Settings in NVS "ota_cfg": prov_key, prov_secret, and prov_name if the device is not to be called as the board is.
"""

import json

from ota.errors import TransferError
from ota.log import log
from ota.mqtt import PUBLISH, Mqtt
from ota.port import const, ticks_diff, ticks_ms

_LOGIN = b"provision"
_CLAIM = b"v1/devices/me/claim"
_ASK = b"/provision/request"
_ANSWER = b"/provision/response"
_LONGEST = const(1024)
_TOKEN = const(200)
_PATIENCE_MS = const(10000)
_REFUSED = const(5)  # as a detail: MQTT's code for bad credentials, after which the link tries again rarely


def over_mqtt(board, address, tls):
    """The token from the server at `address`, host and port. Raises TransferError:

    provision_not_found, provision_failed, provision_bad_answer, provision_unanswered, or a lost link.
    """
    mqtt = Mqtt(board.open_stream(*address, tls), board.name.encode(), _LOGIN, b"")
    try:
        mqtt.connect()
        mqtt.subscribe(((_ANSWER, 1),))
        mqtt.send(_ASK, _request(board))
        return _keep(board, _answer(board, mqtt))
    finally:
        mqtt.close()


def over_http(board, exchange):
    """The same through `exchange` (ota.exchange)."""
    exchange.ask("POST", "/api/v1/provision", _request(board), _PATIENCE_MS)
    while not exchange.answered(board.step_ms):
        pass
    status, body = exchange.answer.status, None
    while body is None:
        body = exchange.text(board.step_ms)
    if status != 200:
        raise TransferError("http_%d" % status)
    return _keep(board, body)


def claim(cloud, secret="", duration_ms=None):
    """For `duration_ms` (None: the server's default) a user who knows `secret` may have this device.

    TransferError without a link. The server never says how that ended (thingsboard.md 6.3).
    """
    fields = {"secretKey": secret}
    if duration_ms is not None:
        fields["durationMs"] = duration_ms
    body = json.dumps(fields).encode()
    if hasattr(cloud, "post"):
        return cloud.post("/claim", body)
    if cloud.mqtt is None:
        raise TransferError("offline")
    return cloud.mqtt.send(_CLAIM, body)


def _request(board):
    return json.dumps(
        {
            "deviceName": board.text("prov_name", board.name),
            "provisionDeviceKey": board.text("prov_key", ""),
            "provisionDeviceSecret": board.text("prov_secret", ""),
        }
    ).encode()


def _answer(board, mqtt):
    """What the server says, as bytes; other messages are passed over."""
    since = ticks_ms()
    while ticks_diff(ticks_ms(), since) < _PATIENCE_MS:
        if mqtt.poll(board.step_ms) == PUBLISH:
            topic = bytes(mqtt.topic[: mqtt.topic_size])
            payload = mqtt.payload(_LONGEST)
            if topic == _ANSWER:
                return payload
        mqtt.skip()
    raise TransferError("provision_unanswered")


def _keep(board, payload):
    """Checks the answer and puts its token into NVS; returns it."""
    try:
        answer = json.loads(payload) if payload else None
    except (ValueError, RuntimeError):
        answer = None
    if not isinstance(answer, dict):
        raise TransferError("provision_bad_answer", _REFUSED)
    status = answer.get("status")
    if status != "SUCCESS":
        codes = {"NOT_FOUND": "provision_not_found", "FAILURE": "provision_failed"}
        log("warning", "code", "not_provisioned", "why", str(answer.get("errorMsg", ""))[:80])
        raise TransferError(codes.get(str(status), "provision_bad_answer"), _REFUSED)
    token = answer.get("credentialsValue")
    is_token = answer.get("credentialsType") == "ACCESS_TOKEN" and isinstance(token, str) and 0 < len(token) <= _TOKEN
    if not is_token:
        raise TransferError("provision_bad_answer", _REFUSED)
    try:
        board.settings.set_blob("token", token.encode())
        board.settings.commit()
    except OSError as error:  # it serves until the next reset, after which nobody can tell it again
        log("warning", "code", "token_not_kept", "why", error)
    log("provisioned", "name", board.text("prov_name", board.name))
    return token
