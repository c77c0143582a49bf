# SPDX-License-Identifier: MIT
"""ThingsBoard's words for who may update what when (ota.control), and calls to the product. Loaded when there are some.

In, shared attributes: `ota_forced`, and `ota_enabled`, the operator's switch; each true or false, or not there.
In, calls: `ota_force`, `ota_cancel`, `ota_explain`; the last is answered with a line a rule.
Out, client attributes: ota_enabled, ota_forced, ota_pending, ota_status, ota_reason ... as Control names them.
"""

import json

from ota.cloud import tb_common
from ota.log import log
from ota.port import const, print_exception

_ATTRIBUTES = const(b"v1/devices/me/attributes")
_RETURN = const(b"v1/devices/me/rpc/response/")
_CALL = const("v1/devices/me/rpc/request/")
_MOST = const(8)  # commands that wait
_SWITCHES = (("ota_forced", "forced", False), ("ota_enabled", "enabled", True))  # the last: what counts without one


def called(cloud, topic, payload):
    """An RPC: ours, else the application's."""
    message = tb_common.parse(payload)
    if message is None:
        return
    number, method = topic[len(_CALL) :], message.get("method")
    answer = "true"
    if method == "ota_explain":
        _put(cloud, "explain", number)
        return
    if method in ("ota_force", "ota_cancel"):
        _put(cloud, method[4:], None)
    else:
        answer = '{"error": "unknown method"}'
        if cloud.on_rpc is not None:
            try:
                answer = json.dumps(cloud.on_rpc(method, message.get("params")))
            except Exception as error:  # a bug of the application's, which must not cost the connection
                print_exception(error)
                answer = '{"error": "failed"}'
    cloud.mqtt.send(_RETURN + number, answer.encode())


def told(cloud, payload):
    """Attributes with names of ours, pushed or asked for. Strict: a value of another type changes nothing."""
    message = tb_common.parse(payload) or {}
    values = message.get("shared", message)
    deleted = message.get("deleted")
    for name, command, default in _SWITCHES:
        value = values.get(name) if isinstance(values, dict) else None
        if value is None and isinstance(deleted, list) and name in deleted:
            value = default
        if isinstance(value, bool):
            _put(cloud, command, value)
        elif value is not None:
            log("warning", "code", "bad_" + name)


def _put(cloud, command, value):
    if not cloud.commands:
        cloud.commands = []
    if len(cloud.commands) < _MOST:
        cloud.commands.append((command, value))


def availability(cloud, facts):
    """As client attributes. QoS 0: what is lost with its line is said anew on the next."""
    body = json.dumps({"ota_" + name: facts[name] for name in facts}).encode()
    if hasattr(cloud, "post"):
        cloud.post("/attributes", body)
    elif cloud.mqtt is not None:
        cloud.mqtt.send(_ATTRIBUTES, body, 0)


def explained(cloud, token, lines):
    """Answers the call with this number."""
    if cloud.mqtt is not None:
        cloud.mqtt.send(_RETURN + token, json.dumps(lines).encode())
