# SPDX-License-Identifier: MIT
"""Bugs put into the firmware on purpose, a line each or a few, to show that the campaign can fail.

They are applied to the sources at run time. An old line has to be there exactly once, so this list cannot rot.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.campaign import cuts, lwm2m_cases
from simulator.campaign.case import Case
from simulator.campaign.planted_bug import Planted
from simulator.campaign.planted_control import CONTROL_BUGS, RUNTIME_BUGS
from simulator.campaign.planted_lwm2m import LWM2M_BUGS, LWM2M_MESSAGE_BUGS, LWM2M_SOFTWARE_BUGS
from simulator.campaign.planted_manners import MANNERS_BUGS
from simulator.campaign.planted_rainmaker import RAINMAKER_BUGS
from simulator.campaign.planted_software import SOFTWARE_BUGS
from simulator.campaign.run import execute
from simulator.campaign.stories import (
    CONTROL,
    FAILING,
    LEAVING,
    LWM2M,
    LWM2M_SOFTWARE,
    MANNERS,
    RAINMAKER,
    RUNTIME,
    SOFTWARE,
    THINGSBOARD,
)
from simulator.campaign.talk import listen

_AGENT, _BOOTCHECK, _INSTALL = "ota/agent.py", "ota/bootcheck.py", "ota/install.py"
_JOURNAL, _REMAINS, _REPORT, _SLOT = "ota/journal.py", "ota/remains.py", "ota/report.py", "ota/slot.py"
_POLICY, _OTADATA = "ota/policy.py", "ota/otadata.py"
_CLOUD, _TRACK, _TRIAL = "ota/cloud/thingsboard.py", "ota/track.py", "ota/trial.py"

_OF_FIRMWARE = (
    Planted(
        "believes what is in flash whatever its digest is",
        _SLOT,
        "            if digest.text() != job.checksum:\n",
        "            if False:\n",
    ),
    Planted(
        "trusts a torn boot record",
        _OTADATA,
        "(INVALID, ABORTED) and intact\n",
        "(INVALID, ABORTED)\n",
    ),
    Planted(
        "stretches the watchdog of a trial",
        _AGENT,
        "                self._watch_trial()\n",
        "                self.board.watchdog.relax()\n",
    ),
    Planted(
        "activates without reading back",
        _INSTALL,
        "                yield from self.agent.attending(self.slot.verify(self.job))\n",
        "                self.slot._verified = True\n",
    ),
    Planted(
        "activates before it verifies",
        _INSTALL,
        "                yield from self.agent.attending(self.slot.verify(self.job))\n",
        "                self.slot._partition.set_boot()\n"
        "                yield from self.agent.attending(self.slot.verify(self.job))\n",
    ),
    Planted(
        "installs into the running slot",
        "ota/hardware.py",
        "    found = running.get_next_update()\n",
        "    found = running\n    return found\n",
    ),
    Planted(
        "does not erase before it writes",
        _SLOT,
        "            self.erase_block(index)\n            yield\n",
        "            yield\n",
    ),
    Planted(
        "trusts the block that may be torn",
        _REMAINS,
        "    doubt = max(0, hole - 1)\n",
        "    doubt = hole\n",
    ),
    Planted(
        "takes an erase that was cut for done",
        _INSTALL,
        '            self.note("erasing")\n            log("erasing"',
        '            self.note("writing")\n            log("erasing"',
    ),
    Planted(
        "always begins again from the start",
        "ota/resume.py",
        '(job.id, "writing", slot.label)',
        '(job.id, "never", slot.label)',
    ),
    Planted(
        "takes up a block too late",
        _REMAINS,
        "    slot.offset = doubt * BLOCK\n",
        "    slot.offset = (doubt + 1) * BLOCK if doubt else 0\n",
    ),
    Planted(
        "forgets to note that it activates",
        _INSTALL,
        '        self.note("activating")\n',
        "",
    ),
    Planted(
        "notes that it activates when it has",
        _INSTALL,
        '        self.note("activating")\n        self._activate()\n',
        '        self._activate()\n        self.note("activating")\n',
    ),
    Planted(
        "leaves an image that could not be selected where it may start",
        "ota/activation.py",
        "        for _ in slot.erase(1):  # its first sector, or its manifest\n            break\n",
        "",
    ),
    Planted(
        "confirms before it has reached the cloud",
        _AGENT,
        "                if self.on_trial:\n                    self._watch_trial()\n",
        "                if self.on_trial:\n                    self._try_to_confirm()\n",
    ),
    Planted(
        "never confirms",
        _BOOTCHECK,
        "        board.running.mark_app_valid_cancel_rollback()\n    except OSError as error:\n",
        "        pass\n    except OSError as error:\n",
    ),
    Planted(
        "confirms whatever the health check says",
        _TRIAL,
        "            if not check():\n                return\n",
        "            check()\n",
    ),
    Planted(
        "reports success before it confirms",
        _BOOTCHECK,
        "        if not state.on_trial:\n            succeed(",
        "        if True:\n            succeed(",
    ),
    Planted(
        "reports success when it has activated",
        _INSTALL,
        "        reporter.post(self.job.id, UPDATING)\n",
        '        reporter.finish(self.job.id, "UPDATED")\n',
    ),
    Planted(
        "keeps no report over a reset",
        _REPORT,
        'self._waiting = list(journal.get("outbox") or [])',
        "self._waiting = []",
    ),
    Planted(
        "reports again what was acknowledged",
        _REPORT,
        "            self._journal.keep(outbox=outbox[1:] or None)\n",
        "            pass\n",
    ),
    Planted(
        "forgets a report before it is acknowledged",
        _REPORT,
        '        facts["outbox"] = ((self._journal.get("outbox") or []) + [event])[-_OUTBOX:]\n',
        "",
    ),
    Planted(
        "sends no report again after the link was lost",
        _REPORT,
        'on the next link."""\n        self._handle = None\n',
        'on the next link."""\n',
    ),
    Planted(
        "takes a rollback for an update that never began",
        _BOOTCHECK,
        "    elif state.aborted():\n",
        "    elif False:\n",
    ),
    Planted(
        "leaves the record of a rollback in place",
        _BOOTCHECK,
        "            for index in state.aborted():  #",
        "            for index in ():  #",
    ),
    Planted(
        "erases the record that rules",
        _BOOTCHECK,
        "            for index in state.aborted():  #",
        "            for index in (0, 1):  #",
    ),
    Planted(
        "does not repair after a fallback",
        _BOOTCHECK,
        "            _repair(board, state)\n",
        "            pass\n",
    ),
    Planted(
        "erases the wrong record in a repair",
        _BOOTCHECK,
        "        board.otadata.ioctl(_ERASE, state.active)\n",
        "        board.otadata.ioctl(_ERASE, 1 - state.active)\n",
    ),
    Planted(
        "takes the older of two journal records",
        "ota/records.py",
        "facts is not None and seq > newest:",
        "facts is not None and (seq < newest or not newest):",
    ),
    Planted(
        "gives up the line because the journal cannot be written",
        _TRACK,
        "            self.journal.keep(bad=None, last=None, job=None)\n",
        "            self.journal.save(bad=None, last=None, job=None)\n",
    ),
    Planted(
        "writes the journal although nothing has changed",
        _JOURNAL,
        "        if merged != self._written:\n",
        "        if True:\n",
    ),
    Planted(
        "installs again what has failed",
        _POLICY,
        '        return REFUSE, "ended_before"\n    if (job.mark or job.id) in facts.get("bad", ()):\n'
        '        return REFUSE, "rolled_back_before"\n',
        "        pass\n",
    ),
    Planted(
        "says how a job ended each time it is asked",
        _TRACK,
        '        elif self.journal.get("last") != job_id:\n',
        "        else:\n",
    ),
    Planted(
        "takes an offer that is made again for the one that was taken back",
        _TRACK,
        '        last = None if error == "unassigned" else job_id',
        "        last = job_id",
    ),
    Planted(
        "downloads during a trial",
        _POLICY,
        '    if track.unconfirmed:\n        return WAIT, "unconfirmed"',
        '    if False:\n        return WAIT, "unconfirmed"',
    ),
    Planted(
        "arms no watchdog for a trial",
        _BOOTCHECK,
        "    board.watchdog.arm(board.trial_ms)\n",
        "",
    ),
    Planted(
        "tells the wrong version",
        "ota/cloud/tb_common.py",
        '"_version": identity[1]}',
        '"_version": "1.1.0"}',
    ),
    Planted(
        "writes its token to the log",
        _CLOUD,
        "        self.mqtt.subscribe(_FILTERS)\n",
        '        self.mqtt.subscribe(_FILTERS)\n        log("warning", "token", self._token)\n',
    ),
    Planted(
        "reads a record's state from the wrong place",
        _OTADATA,
        '"<I20xI"',
        '"<I16xI"',
    ),
)

PLANTED = (
    *_OF_FIRMWARE,
    *SOFTWARE_BUGS,
    *RAINMAKER_BUGS,
    *CONTROL_BUGS,
    *RUNTIME_BUGS,
    *LWM2M_BUGS,
    *LWM2M_MESSAGE_BUGS,
    *LWM2M_SOFTWARE_BUGS,
    *MANNERS_BUGS,
)

_SPOILED = (
    "update cloud=chunk=2:corrupt",
    "update cloud=chunk=2:duplicate",
    "update cloud=telemetryx2:close",
    "update flash=noop-program:spare+2:1",
    "update flash=noop-erase:spare+2:1",
    "update flash=stuck-0:spare+1",
    "update net=cut:9000",
    "update later=1900:flash=program-error:nvs",
    "update seed=2 later=1300:flash=weak:otadata+1:1",
    "update later=1406:unassign=10",
)
_SPOILED_SOFTWARE = (
    "software cloud=chunk=1:corrupt",
    "software cloud=chunkx9:corrupt",
    "software cloud=chunk=1x30:error=FAILURE",
    "software cloud=telemetryx2:close",
    "software net=cut:9000",
)
_SPOILED_RAINMAKER = (
    "rainmaker-stream later=8600:otaurl=other",
    "rainmaker cloud=success:drop",
    "rainmaker-switched later=20000:reset=power",
    "rainmaker cloud=subscribe:mute",
    'rainmaker later=4000:clock=lost:60 cloud=otaurlx3:set=metadata={"download_window":{"start":2,"end":9}}',
    "rainmaker net=cut:900",
    "rainmaker-stream cloud=block=2:drop",
    "rainmaker-stream cloud=block=1:reorder",
    "rainmaker-stream cloud=block=2:other-file",
    "rainmaker-stream cloud=block=2:truncate=1",
    *(f"rainmaker-stream cloud=block=1:reorder cut={at}:after" for at in range(20, 60)),
)
_SPOILED_CONTROL = tuple(f"control cut={at}:{mode}" for at in range(8, 40, 4) for mode in ("after", "before"))
_SPOILED_MESSAGES = (
    "lwm2m-push datagram=twice:8",
    "lwm2m-push datagram=cut:6:70",
    "lwm2m datagram=twice:9",
    "lwm2m datagram=lost:26",
)
_SPOILED_MANNERS = tuple(f"manners cut={at}:after" for at in range(70, 180, 5))
_MODES = ("after", "before", "random")


def hunting_cases(bug: Planted) -> Iterator[Case]:
    """What a bug is looked for in, quickest first: no fault, one spoiled thing, lost reports, cuts."""
    if bug in SOFTWARE_BUGS:
        yield from _hunting(SOFTWARE, _SPOILED_SOFTWARE, "software", ("software", "software-broken", "software-first"))
    elif bug in RAINMAKER_BUGS:
        yield from _hunting(RAINMAKER, _SPOILED_RAINMAKER, "rainmaker", ("rainmaker-stream", "rainmaker-rollback"))
    elif bug in CONTROL_BUGS:
        yield from _hunting(CONTROL, _SPOILED_CONTROL, "control", CONTROL)
    elif bug in RUNTIME_BUGS:
        yield from _hunting(RUNTIME, (), "runtime-refused", RUNTIME)
    elif bug in LWM2M_BUGS:
        yield from map(Case, LWM2M)
        yield from lwm2m_cases.all_cases()
    elif bug in LWM2M_MESSAGE_BUGS:
        yield from map(Case.parse, (*LWM2M, *_SPOILED_MESSAGES))
        yield from lwm2m_cases.datagram_cases()
        yield from lwm2m_cases.cut_cases()
    elif bug in LWM2M_SOFTWARE_BUGS:
        yield from map(Case, LWM2M_SOFTWARE)
        yield from lwm2m_cases.software_cases()
    elif bug in MANNERS_BUGS:
        yield from _hunting((*FAILING, *LEAVING, *MANNERS), _SPOILED_MANNERS, "manners", MANNERS)
    else:
        yield from _hunting(THINGSBOARD, _SPOILED, "update", ("update", "rollback", "fallback"))


def _hunting(stories: Iterable[str], spoiled: Iterable[str], talked: str, cut: Iterable[str]) -> Iterator[Case]:
    yield from map(Case, stories)
    yield from map(Case.parse, spoiled)
    yield from (Case(talked, faults=(f"net=cut:{at}:up",)) for at in listen(talked)[1].seams())
    for story in cut:
        operations = execute(Case(story)).entries_of("op")
        yield from (case for case in cuts.everywhere(story, operations) if case.faults[0].endswith(_MODES))


@dataclass(frozen=True)
class Catch:
    """How a bug was found: after how many cases, in which one, and by which invariants. None: it survived."""

    bug: Planted
    cases: int
    case: Case | None = None
    invariants: tuple[str, ...] = ()


def hunt(bug: Planted) -> Catch:
    """Looks for a bug until some invariant speaks."""
    firmware = bug.sources()
    number = 0
    for number, case in enumerate(hunting_cases(bug), 1):
        found = execute(case, firmware).record()["violations"]
        if found:
            return Catch(bug, number, case, tuple(dict.fromkeys(name for name, _ in found)))
    return Catch(bug, number)
