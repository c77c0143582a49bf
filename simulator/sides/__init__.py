# SPDX-License-Identifier: MIT
"""What a cloud is to somebody who has boards to update and does not care which cloud it is.

`side.py` says what there is to know and to do, with one file for each cloud that does it.
"""

from simulator.sides.broker import BrokerSide
from simulator.sides.lwm2m import Lwm2mSide
from simulator.sides.rainmaker import RainMakerSide
from simulator.sides.side import Entrance, Side, Told
from simulator.sides.thingsboard import ThingsBoardSide

SIDES: dict[str, type[Side]] = {side.NAME: side for side in (ThingsBoardSide, RainMakerSide, BrokerSide, Lwm2mSide)}

__all__ = ["SIDES", "BrokerSide", "Entrance", "Lwm2mSide", "RainMakerSide", "Side", "ThingsBoardSide", "Told"]
