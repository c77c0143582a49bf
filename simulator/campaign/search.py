# SPDX-License-Identifier: MIT
"""Random schedules: messages of the cloud, cuts, faults of the network, jumps of time and resets, in any order.

A schedule is an ordinary case, so it is played, judged, shrunk and replayed like any other. Seeded and plain here, for
thousands of them; tests/search/ draws from the same rules with hypothesis and judges each schedule after every step.
An offer that is taken back is made again later, so it still has one end. Offers that are replaced have no rule: the
story waits for an end of each, and one that was replaced has none.
"""

import random
from collections.abc import Callable, Iterator

from simulator.campaign import broker_cases, cuts, mqtt_faults, rainmaker_cases, rainmaker_faults
from simulator.campaign.case import Case
from simulator.campaign.fault_cases import CHUNK_ACTIONS, RULES, sides
from simulator.campaign.run import execute
from simulator.campaign.stories import BROKER, RAINMAKER, STORIES, THINGSBOARD

MOST_STEPS = 6
_OPERATIONS = 180  # of most stories; a cut behind the last one never happens
_WEIGHT = 10  # of a story of firmware, against one of software, which takes three times as long
_UNTIL_MS = 8000
_RAINMAKER_MS = 24_000
_FIRST_CHUNKS = 8
_LONG = ("connect:refuse=2", "connect:refuse=4", "connect:refuse=5", "telemetry:mute")  # minutes of waiting each
_SHORT_RULES = [rule for rule in RULES if rule not in _LONG]
_PATIENCE = 0.05

Rule = Callable[[random.Random], str]


def _when(rng: random.Random) -> int:
    return rng.randrange(1, _UNTIL_MS)


def _later(make: Rule) -> Rule:
    return lambda rng: f"later={_when(rng)}:{make(rng)}"


def _link_fault(story: str) -> Rule:
    """At a byte of what is said in this story, whoever says it."""

    def make(rng: random.Random) -> str:
        talk, side = rng.choice(sides(story))
        at = rng.randrange(1, talk.size)
        return f"net={rng.choice(('cut', 'silence'))}:{at}{side}"

    return make


# By the name of the rule: a fault, or what the administrator and the surroundings do.
RULES_OF_PLAY: dict[str, Rule] = {
    "cut": lambda rng: f"cut={rng.randrange(1, _OPERATIONS)}:{rng.choice(cuts.MODES)}",
    "power": _later(lambda rng: "reset=power"),
    "reset": _later(lambda rng: f"reset={rng.choice(('hard', 'soft'))}"),
    "link": _link_fault("update"),
    "server": lambda rng: f"net={rng.choice(('refuse', 'deaf', 'portal', 'takeover'))}:{rng.randrange(1, 5)}",
    "names": _later(lambda rng: f"net=noname:{rng.randrange(1, 20)}"),
    "line": _later(lambda rng: f"net=delay:{rng.randrange(1, 3000)}:{rng.randrange(1, 20)}"),
    "wifi": _later(lambda rng: f"wifi={rng.choice((500, 5000, 70_000))}"),
    "clock": _later(lambda rng: f"clock=jump:{rng.choice(('', '-'))}{rng.randrange(1, 400_000_000)}"),
    "unassign": _later(lambda rng: f"unassign={rng.randrange(1, 10_000)}"),
    "push": _later(lambda rng: f"push={rng.choice(list(mqtt_faults.PUSHES))}"),
    "cloud": lambda rng: f"cloud={rng.choice(RULES if rng.random() < _PATIENCE else _SHORT_RULES)}",
    "chunk": lambda rng: f"cloud=chunk={rng.randrange(5)}:{rng.choice(CHUNK_ACTIONS)}",
    "message": lambda rng: f"mqtt={rng.choice(mqtt_faults.AT_CHUNKS)}:{rng.randrange(_FIRST_CHUNKS)}",
}


_ON_THE_WAY = [text for text in rainmaker_cases.ANSWERS if "x9" not in text]
_SAID = [text for text in (*rainmaker_cases.REPORTS, *rainmaker_cases.LINES) if "kick" not in text]
_HARMLESS = [kind for kind in rainmaker_faults.KINDS if kind != "other"]  # which is taken up when nothing is under way
RAINMAKER_RULES: dict[str, Rule] = {
    **{name: RULES_OF_PLAY[name] for name in ("cut", "server", "names", "line", "wifi")},
    "power": lambda rng: f"later={rng.randrange(1, _RAINMAKER_MS)}:reset=power",
    "reset": lambda rng: f"later={rng.randrange(1, _RAINMAKER_MS)}:reset={rng.choice(('hard', 'soft'))}",
    "link": _link_fault("rainmaker-stream"),
    "offer": lambda rng: f"later={rng.randrange(8400, _RAINMAKER_MS)}:otaurl={rng.choice(_HARMLESS)}",
    "said": lambda rng: rng.choice(_SAID),
    "stream": lambda rng: rng.choice(_ON_THE_WAY),
    "block": lambda rng: f"cloud=block={rng.randrange(5)}:{rng.choice(rainmaker_cases.BLOCK_ACTIONS)}",
}

_KEPT = ("cut", "power", "reset", "server", "names", "line", "wifi", "clock")  # as with ThingsBoard
BROKER_RULES: dict[str, Rule] = {
    **{name: RULES_OF_PLAY[name] for name in _KEPT},
    "link": _link_fault("broker"),
    "said": lambda rng: f"cloud={rng.choice(broker_cases.LINES)}",
    "chunk": lambda rng: f"cloud=chunk={rng.randrange(5)}:{rng.choice(broker_cases.CHUNK_ACTIONS)}",
}
_CLOUDS = {
    "thingsboard": (THINGSBOARD, RULES_OF_PLAY),
    "rainmaker": (RAINMAKER, RAINMAKER_RULES),
    "broker": (BROKER, BROKER_RULES),
}


def schedule(seed: int, cloud: str = "thingsboard") -> Case:
    """The schedule of this number: a story with this cloud, and one to six steps of it."""
    rng = random.Random(seed)
    names, play = _CLOUDS[cloud]
    rules = rng.choices(list(play), k=rng.randrange(1, MOST_STEPS + 1))
    story = rng.choices(names, [1 if STORIES[name].has_files else _WEIGHT for name in names])[0]
    return Case(story, seed, tuple(play[rule](rng) for rule in rules))


def cases(schedules: int, seed: int = 0, cloud: str = "thingsboard") -> Iterator[Case]:
    """So many schedules, for `engine.sweep`."""
    return (schedule(seed * 1_000_000 + number, cloud) for number in range(schedules))


def search(schedules: int, seed: int = 0) -> Iterator[dict]:
    """The record of each, one after the other in this process."""
    return (execute(case).record() for case in cases(schedules, seed))
