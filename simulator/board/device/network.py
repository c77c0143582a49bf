# SPDX-License-Identifier: MIT
"""Twin of the ESP32's `network`: a station that finds the simulated site's access point, or does not."""

from _chip import call
from micropython import const

_OP_WLAN_ACTIVE = const(50)
_OP_WLAN_CONNECT = const(51)
_OP_WLAN_DISCONNECT = const(52)
_OP_WLAN_STATUS = const(53)
_OP_UNIQUE_ID = const(35)

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_hostname = "mpy-esp32"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


class WLAN:
    """`WLAN(STA_IF)`; an access point can be switched on, but nobody will join it."""

    IF_STA = STA_IF
    IF_AP = AP_IF

    def __init__(self, interface=STA_IF):
        self._interface = interface
        self._settings = {"ssid": "", "pm": 1, "txpower": 20, "channel": 1, "reconnects": -1}

    def active(self, on=None):
        return bool(call(_OP_WLAN_ACTIVE, self._interface, -1 if on is None else bool(on)))

    def connect(self, ssid=None, key=None, *, bssid=None):
        if not self.active():
            raise OSError("Wifi Not Started")
        if ssid is not None:
            self._settings["ssid"] = ssid
        call(_OP_WLAN_CONNECT, 0, len(ssid or ""), 0, (ssid or "").encode(), (key or "").encode())

    def disconnect(self):
        call(_OP_WLAN_DISCONNECT)

    def status(self, what=None):
        return -60 if what == "rssi" else call(_OP_WLAN_STATUS)

    def isconnected(self):
        return self._interface == STA_IF and self.status() == STAT_GOT_IP

    def config(self, name=None, **settings):
        if name is None:
            self._settings.update(settings)
        elif name == "mac":
            raw = bytearray(6)
            call(_OP_UNIQUE_ID, 0, 0, 0, None, None, raw)
            return bytes(raw)
        elif name in self._settings:
            return self._settings[name]
        else:
            raise ValueError("unknown config param")

    def ifconfig(self):
        if self.isconnected():
            return "192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1"
        return ("0.0.0.0",) * 4

    def ipconfig(self, name):
        """Of `name` "addr4" or "gw4"."""
        address, mask, gateway, _ = self.ifconfig()
        return (address, mask) if name == "addr4" else gateway
