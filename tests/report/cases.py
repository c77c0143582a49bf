# SPDX-License-Identifier: MIT
"""A case's record, as `Outcome.record()` makes it."""

from simulator.campaign.summary import Record


def record(*faults: str, story: str = "update", **fields: object) -> Record:
    """What one case has come to: well, unless `fields` say otherwise."""
    cuts = [fault.removeprefix("cut=").split(":") for fault in faults if fault.startswith("cut=")]
    return {
        "case": " ".join((story, "seed=7", *faults)),
        "story": story,
        "faults": list(faults),
        "like": None,
        "ops": 60,
        "op": int(cuts[0][0]) if cuts else None,
        "mode": cuts[0][1] if cuts else None,
        "end": "updated" if story == "update" else "rolled_back",
        "violations": [],
        "boots": 3,
        "extra_boots": len(cuts),
        "redownloaded": 4096 * len(cuts),
        "erases_max": 1,
        "erases": {"48": 1, "49": 1},
        "board_s": 10.0,
        "operations": None,
        **fields,
    }
