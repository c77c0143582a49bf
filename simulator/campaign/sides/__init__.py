# SPDX-License-Identifier: MIT
"""The clouds that stories are played with, one file each, and what they have in common (story_side.py)."""

from simulator.campaign.sides.broker import BrokerStory
from simulator.campaign.sides.lwm2m import Lwm2mPushStory, Lwm2mStory
from simulator.campaign.sides.rainmaker import RainMakerStory
from simulator.campaign.sides.story_side import StorySide
from simulator.campaign.sides.thingsboard import ThingsBoardHttpStory, ThingsBoardStory

_ALL = (ThingsBoardStory, ThingsBoardHttpStory, RainMakerStory, BrokerStory, Lwm2mStory, Lwm2mPushStory)
SIDES: dict[str, type[StorySide]] = {side.NAME: side for side in _ALL}

__all__ = ["SIDES", "StorySide"]
