# SPDX-License-Identifier: MIT
"""Bugs put into what the application has a say in on purpose; see planted.py."""

from simulator.campaign.planted_bug import Planted

_DEADLINE, _DEFERRAL = "ota/deadline.py", "ota/deferral.py"
_GATING, _SWITCHES, _AGENT = "ota/gating.py", "ota/switches.py", "ota/agent.py"
_VERDICT, _QUARANTINE = "ota/verdict.py", "ota/quarantine.py"

CONTROL_BUGS = (
    Planted(
        "keeps in RAM only what was switched off",
        _SWITCHES,
        "            self._off[name] = [reason, end]\n            self.save()\n",
        "            self._off[name] = [reason, end]\n",
    ),
    Planted(
        "looks at a reset for nothing that was switched off before",
        _AGENT,
        '        if self.tracks[0].journal.get("control") is not None:\n',
        "        if False:\n",
    ),
    Planted(
        "switches off for good",
        _SWITCHES,
        "                if deadline.is_over(end, now):\n",
        "                if False:\n",
    ),
    Planted(
        "takes no time off a deferral at a reset",
        _DEFERRAL,
        "        self.spend(deadline.BOOT_S)\n",
        "",
    ),
    Planted(
        "lets a deferral begin anew with each reason",
        _DEFERRAL,
        "        if fact is None or fact[0] != job.id:\n",
        "        if fact is None or fact[3] != reason:\n",
    ),
    Planted(
        "lets a deferral begin anew at each reset",
        _DEFERRAL,
        "            if isinstance(fact, list) and len(fact) > 3 and all(map(deadline.is_deadline, fact[1::3])):\n",
        "            if False:\n",
    ),
    Planted(
        "never forces what was put off for too long",
        _GATING,
        " or self.deferral.is_over(job)\n",
        "\n",
    ),
    Planted(
        "resets although that is held",
        _GATING,
        "        if hold and not track.forced:\n",
        "        if False:\n",
    ),
    Planted(
        "never forgets what was put off",
        _DEFERRAL,
        "        if self._known.pop(kind, None):\n            self.save()\n",
        "        return\n",
    ),
    Planted(
        "writes the time that is left each second",
        _GATING,
        "        if self._since_save_s >= _SAVE_S:\n",
        "        if self._since_save_s >= 1:\n",
    ),
    Planted(
        "takes a deadline for over when its clock is unknown",
        _DEADLINE,
        "    return not deadline[1] or ",
        "    return not deadline[0] or not deadline[1] or ",
    ),
)

# Of software that needs newer firmware.
RUNTIME_BUGS = (
    Planted(
        "fetches what needs newer firmware",
        _GATING,
        "        if unmet:\n",
        "        if False:\n",
    ),
    Planted(
        "forgets what was refused for its firmware",
        _VERDICT,
        "            track.journal.keep(runtime=[job.id] + list(agent.tracks[0].running))\n",
        "            pass\n",
    ),
    Planted(
        "takes any firmware for a newer one",
        _QUARANTINE,
        " and known[1:] != list(track.agent.tracks[0].running):\n",
        ":\n",
    ),
    Planted(
        "takes firmware on trial for newer firmware",
        _QUARANTINE,
        "    if known and not track.unconfirmed and",
        "    if known and",
    ),
)
