# SPDX-License-Identifier: MIT
"""Which cuts of one packet on its way to the cloud are alike: those that the cloud cannot tell apart.

The device sees the same of each: its link is reset. So all that can differ is what the cloud makes of the bytes that
arrive. When they do, copies of the cloud get each number of them, and lose the link: what has then done the same, and
is the same, goes on in the same way.
"""

import io
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.board.net import Endpoint, Packet
from simulator.campaign.snapshot import Pickler, constants
from simulator.clouds.core import Close, Core

if TYPE_CHECKING:
    from simulator.campaign.run import Run

Classes = Sequence[list[int]]  # numbers of bytes that are alike; the first is of those like the one that arrives


def listen(run: "Run", packet: Packet, others: Sequence[int], tell: Callable[[Classes], None]) -> None:
    """The first bytes of a packet are about to be sent to the cloud, and then the link will be reset. When they arrive,
    `tell` hears which are alike of them and `others`, each of which is as many first bytes."""
    point = packet.link.endpoint
    if point and others:
        packet.link.endpoint = replace(point, core=_Ear(run, packet, point, others, tell))


class _Ear:
    """Stands before a core until the bytes arrive. Nothing else comes: it is told of one link, and that one is reset.

    In a copy of the run the core stands there by itself.
    """

    def __init__(
        self, run: "Run", packet: Packet, point: Endpoint, others: Sequence[int], tell: Callable[[Classes], None]
    ) -> None:
        self._run, self._packet, self._point, self._others, self._tell = run, packet, point, others, tell

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self._packet.link.endpoint = self._point
        trial = _Trial(self._run, self._point.core)
        content = self._packet.content
        classes = [(trial.of(conn, data, now_ms), [])]
        for other in self._others:
            found = trial.of(conn, content[:other], now_ms)
            alike = next((sizes for result, sizes in classes if result == found), None)
            if alike is None:
                classes.append((found, [other]))
            else:
                alike.append(other)
        self._tell([sizes for _, sizes in classes])
        self._point.core.feed(conn, data, now_ms)

    def lost(self, conn: int, now_ms: int) -> None:
        self._packet.link.endpoint = self._point
        self._point.core.lost(conn, now_ms)

    def __reduce__(self) -> tuple[Callable[[Core], Core], tuple[Core]]:
        return _itself, (self._point.core,)


def _itself(core: Core) -> Core:
    return core


class _Trial:
    """A core, and the cloud behind it, to be copied any number of times."""

    def __init__(self, run: "Run", core: Core) -> None:
        cloud = run.cloud
        self._constants = constants(run)
        buffer = io.BytesIO()
        pickler = Pickler(buffer, [cloud.on_event, cloud.events, *self._constants])
        pickler.dump((core, cloud))
        self._pickle, self._kept = buffer.getvalue(), pickler.beside[2:]

    def of(self, conn: int, data: bytes, now_ms: int) -> tuple[object, ...]:
        """All that the cloud has done, and all that it is, when it has got these bytes and lost the link."""
        events: list[dict] = []
        unpickler = pickle.Unpickler(io.BytesIO(self._pickle))
        unpickler.persistent_load = [None, events, *self._kept].__getitem__
        core, cloud = unpickler.load()
        core.feed(conn, data, now_ms)
        done = [core.take()]
        if Close(conn) not in done[0]:
            core.lost(conn, now_ms)
            done.append(core.take())
        buffer = io.BytesIO()
        pickler = Pickler(buffer, [events, *self._constants])
        pickler.dump((core, cloud))
        return buffer.getvalue(), pickler.beside[1:], events, done
