# SPDX-License-Identifier: MIT
"""What an agent can do without of `network`, which loads it on demand: settings, addresses, status codes."""

import network
from _chip import call
from micropython import const

_OP_UNIQUE_ID = const(35)

AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_hostname = "mpy-esp32"
_settings = {"pm": 1, "txpower": 20, "channel": 1, "reconnects": -1}


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


def method(wlan, name):
    """The method of a WLAN object that has this name. Raises AttributeError."""
    function = {"config": _config, "ifconfig": _ifconfig, "ipconfig": _ipconfig}.get(name)
    if function is None:
        raise AttributeError(name)
    return lambda *values, **options: function(wlan, *values, **options)


def _config(wlan, name=None, **settings):
    if name is None:
        _settings.update(settings)
    elif name == "mac":
        raw = bytearray(6)
        call(_OP_UNIQUE_ID, 0, 0, 0, None, None, raw)
        return bytes(raw)
    elif name == "ssid":
        return network.known_ssid
    elif name in _settings:
        return _settings[name]
    else:
        raise ValueError("unknown config param")


def _ifconfig(wlan):
    if wlan.isconnected():
        return "192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1"
    return ("0.0.0.0",) * 4


def _ipconfig(wlan, name):
    """Of `name` "addr4" or "gw4"."""
    address, mask, gateway, _ = _ifconfig(wlan)
    return (address, mask) if name == "addr4" else gateway
