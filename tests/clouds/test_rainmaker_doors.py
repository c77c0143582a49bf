# SPDX-License-Identifier: MIT
"""The RainMaker mock in a virtual network."""

from simulator.board.clock import VirtualClock
from simulator.board.net import EPOCH_MS, VirtualNet
from simulator.clouds import mqtt
from simulator.clouds.rainmaker import RainMaker
from tests.clouds import rm_peer

HOST = "mqtt.test"


def test_device_in_memory_is_known_by_the_certificate_it_shows():
    cloud = RainMaker(now_ms=EPOCH_MS)
    cloud.add_node(rm_peer.NODE)
    net = VirtualNet(VirtualClock())
    net.serve(HOST, 8883, cloud, rm_peer.authority().chain(HOST))
    net.serve(HOST, 1883, cloud)

    def pass_time() -> None:
        net.clock.skip(20)
        net.run()

    secure, plain = net.socket(), net.socket()
    net.connect(secure, HOST, 8883)
    net.connect(plain, HOST, 1883)
    pass_time()
    net.greet(secure)
    pass_time()
    net.finish(secure, rm_peer.certificate(rm_peer.NODE).der)
    pass_time()
    net.send(secure, rm_peer.connect())
    pass_time()
    assert bytes(secure.inbox) == mqtt.connack(4, False, 0)
    assert plain.is_ended
