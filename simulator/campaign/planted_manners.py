# SPDX-License-Identifier: MIT
"""Bugs put into a board's manners on purpose; see planted.py."""

from simulator.campaign.planted_bug import Planted

_ATTEMPTS, _CRASHES, _OTHER = "ota/attempts.py", "ota/crashes.py", "ota/other.py"
_QUARANTINE, _WATCHING = "ota/quarantine.py", "ota/watching.py"

MANNERS_BUGS = (
    Planted(
        "forgets at a reset how often it has crashed",
        _WATCHING,
        "        journal.keep(watch=[known[0], known[1], crashes])\n",
        "",
    ),
    Planted(
        "takes the loss of power for a crash",
        _CRASHES,
        '    if cause in ("hard", "watchdog"):\n',
        '    if cause in ("hard", "watchdog", "power"):\n',
    ),
    Planted(
        "watches for ever",
        _WATCHING,
        "    if deadline.is_over(end, board.now()):\n",
        "    if False:\n",
    ),
    Planted(
        "watches no more before it has gone back",
        _WATCHING,
        "    from ota import other\n",
        "    from ota import other\n\n    journal.keep(watch=None)\n",
    ),
    Planted(
        "goes back without a note of it",
        _OTHER,
        "    journal.save(job=facts)\n",
        "",
    ),
    Planted(
        "takes again what has failed",
        _QUARANTINE,
        '    return {"bad": bad, ',
        '    return {"bad": None, ',
    ),
    Planted(
        "erases as often as it likes",
        _ATTEMPTS,
        '        if 0 < agent.board.number("wear_budget", _BUDGET) <= worn % _DAY:\n',
        "        if False:\n",
    ),
    Planted(
        "starts again and again what cannot start",
        _CRASHES,
        "        count = min(max(count, 0) + 1, _MOST)\n",
        "        count = 1\n",
    ),
    Planted(
        "takes a restart in good order for the end of a trial",
        "ota/trial.py",
        "        board.otadata.writeblocks(state.active, _NEW, otadata.STATE_AT)\n",
        "",
    ),
)
