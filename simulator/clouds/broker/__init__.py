# SPDX-License-Identifier: MIT
"""A plain MQTT broker as a sans-IO core, and what a maker keeps on it: releases, images, what devices say."""

from simulator.clouds.broker.acl import Acl
from simulator.clouds.broker.broker import Broker
from simulator.clouds.broker.scheme import Names, chunks, release

__all__ = ["Acl", "Broker", "Names", "chunks", "release"]
