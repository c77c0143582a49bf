# SPDX-License-Identifier: MIT
"""Twin of the ESP32's `network`: a station that finds the simulated site's access point, or does not.

What the agent has no use for is in `_network.py`, which is loaded when somebody asks.
"""

from _chip import call
from micropython import const

_OP_WLAN_ACTIVE = const(50)
_OP_WLAN_CONNECT = const(51)
_OP_WLAN_DISCONNECT = const(52)
_OP_WLAN_STATUS = const(53)
_GOT_IP = const(1010)

STA_IF = 0

known_ssid = ""  # what `connect` was told last


class WLAN:
    """`WLAN(STA_IF)`; an access point can be switched on, but nobody will join it."""

    IF_STA = STA_IF
    IF_AP = 1

    def __init__(self, interface=STA_IF):
        self._interface = interface

    def active(self, on=None):
        return bool(call(_OP_WLAN_ACTIVE, self._interface, -1 if on is None else bool(on)))

    def connect(self, ssid=None, key=None, *, bssid=None):
        global known_ssid
        if not self.active():
            raise OSError("Wifi Not Started")
        if ssid is not None:
            known_ssid = ssid
        call(_OP_WLAN_CONNECT, 0, len(ssid or ""), 0, (ssid or "").encode(), (key or "").encode())

    def disconnect(self):
        call(_OP_WLAN_DISCONNECT)

    def status(self, what=None):
        return -60 if what == "rssi" else call(_OP_WLAN_STATUS)

    def isconnected(self):
        return self._interface == STA_IF and self.status() == _GOT_IP

    def __getattr__(self, name):
        import _network

        return _network.method(self, name)


def __getattr__(name):
    import _network

    return getattr(_network, name)
