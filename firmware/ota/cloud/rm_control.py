# SPDX-License-Identifier: MIT
"""RainMaker's words for who may update what when (ota.control): a service of the node (rm_service.py). Loaded when
there are some.

    Enabled, Forced    bool: what holds. Written: the switches of the node's user
    Pending, Reason    bool and text: whether an update waits, and what keeps it or its reset back
    Cancel, Explain    bool, written only. True: what is under way ends; Explanation is wanted
    Explanation        text, a line for each rule

The cloud neither keeps a write for a node that is away nor repeats it. So the node keeps them: Enabled in NVS "ota_cfg"
as `enabled`, Forced until it restarts. Where the setting `control` is 0 there is no such service.
"""

import json

from ota.log import log
from ota.port import const

_SERVICE = "Updates"
_MOST = const(8)  # commands that wait
_SWITCHES = {"Enabled": True, "Forced": False}  # what counts until one is written
_WRITTEN = ("Enabled", "Forced", "Cancel", "Explain")
_FACTS = {"enabled": "Enabled", "forced": "Forced", "pending": "Pending", "reason": "Reason"}


def written(cloud, payload):
    """A params/remote message: for us, for the older way (rm_params.py), or the application's business."""
    try:
        message = json.loads(payload) if payload else None
    except (ValueError, RuntimeError):
        message = None
    if not isinstance(message, dict):
        return
    if cloud.board.number("params", 0):
        from ota.cloud import rm_params

        rm_params.take(cloud, message)
    values = message.get(_SERVICE)
    if isinstance(values, dict) and cloud.board.number("control", 1):
        for name in _WRITTEN:
            if name in values:
                _take(cloud, name, values[name])


def _take(cloud, name, value):
    """Strict: a value of another type changes nothing."""
    if not isinstance(value, bool):
        log("warning", "code", "bad_param", "name", name)
    elif name in _SWITCHES:
        _switch(cloud, name, value)
    elif value:
        _put(cloud, name.lower(), None)


def _switch(cloud, name, value):
    command = name.lower()
    standing = dict(cloud.standing or ())
    standing.pop(command, None)
    if value is not _SWITCHES[name]:
        standing[command] = value
    cloud.standing = standing
    if command == "enabled":
        _keep(cloud.board, value)
    elif value and not any(cloud.known.values()):
        cloud.fetch.after(0)  # for what waits for its time, and would be asked for then
    _put(cloud, command, value)
    _put(cloud, "tell", command)  # who has written is answered


def _keep(board, value):
    if board.number("enabled", 1) == value:
        return
    try:
        board.settings.set_i32("enabled", int(value))
        board.settings.commit()
    except OSError as error:
        log("warning", "code", "not_kept", "name", "enabled", "why", error)


def _put(cloud, command, value):
    if not cloud.commands:
        cloud.commands = []
    if len(cloud.commands) < _MOST:
        cloud.commands.append((command, value))


def availability(cloud, facts):
    """As parameters; of the facts, those that there is one for."""
    _tell(cloud, {_FACTS[name]: facts[name] for name in facts if name in _FACTS})


def explained(cloud, token, lines):
    _tell(cloud, {"Explanation": "\n".join(lines)})


def _tell(cloud, values):
    if values:
        cloud.publish_text("params/local", json.dumps({_SERVICE: values}))
