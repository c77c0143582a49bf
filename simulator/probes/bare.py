# SPDX-License-Identifier: MIT
"""Probe: the least that an update can be. SIZE bytes from HOST:PORT through one block into the erased spare slot.

Connect, then receive into the block, sha256, flash write, until all is there.
"""

import hashlib
import socket

import network
from esp32 import Partition

_BLOCK = 4096
_ERASE = 6


def spare_slot(size):
    network.WLAN().active(True)
    network.WLAN().connect("simulated", "")
    spare = Partition(Partition.RUNNING).get_next_update()
    for index in range((size + _BLOCK - 1) // _BLOCK):
        spare.ioctl(_ERASE, index)
    return spare


def connect(address):
    while not network.WLAN().isconnected():
        pass
    sock = socket.socket()
    sock.connect(socket.getaddrinfo(*address)[0][-1])
    return sock


def loop(sock, spare, size):
    block = bytearray(_BLOCK)
    digest = hashlib.sha256()
    for index in range(size // _BLOCK):
        sock.readinto(block)
        digest.update(block)
        spare.writeblocks(index, block, 0)


def main(address, size):
    spare = spare_slot(size)
    loop(connect(address), spare, size)


main((HOST, PORT), SIZE)  # noqa: F821
