# SPDX-License-Identifier: MIT
"""The server's side of the MQTT wire, 3.1, 3.1.1 and 5: bytes to packets, answers to bytes. No sockets, no sessions.

Whatever breaks the standard is Malformed; what a packet means is for the cloud to say.
"""

from simulator.clouds.mqtt.decoder import LIMIT, Decoder
from simulator.clouds.mqtt.encoder import connack, disconnect, pingresp, puback, publish, suback, unsuback
from simulator.clouds.mqtt.packets import (
    V5,
    V31,
    V311,
    Connect,
    Malformed,
    Packet,
    Plain,
    Publish,
    Subscribe,
    Unsubscribe,
    Will,
)

__all__ = [
    "LIMIT", "V5", "V31", "V311", "Connect", "Decoder", "Malformed", "Packet", "Plain", "Publish", "Subscribe",
    "Unsubscribe", "Will", "connack", "disconnect", "pingresp", "puback", "publish", "suback", "unsuback",
]  # fmt: skip
