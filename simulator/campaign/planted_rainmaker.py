# SPDX-License-Identifier: MIT
"""Bugs put into what speaks to ESP RainMaker on purpose; see planted.py."""

from simulator.campaign.planted_bug import Planted

_CLOUD, _OFFER, _STATUS = "ota/cloud/rainmaker.py", "ota/cloud/rm_offer.py", "ota/cloud/rm_status.py"
_FETCH, _LINE, _STREAM = "ota/cloud/rm_fetch.py", "ota/cloud/rm_line.py", "ota/source/aws_stream.py"
_ENDED, _REMAINS, _HOURS = "ota/ended.py", "ota/remains.py", "ota/hours.py"

RAINMAKER_BUGS = (
    Planted(
        "says success before the reboot",
        _STATUS,
        'return "success" if state == UPDATED else',
        'return "success" if state in (UPDATED, UPDATING) else',
    ),
    Planted(
        "says success again when the job is offered before the first was acknowledged",
        _ENDED,
        "    is_known = any(",
        "    is_known = False and any(",
    ),
    Planted(
        "tells of a job by another id",
        _CLOUD,
        "rm_status.body(job_id, *rm_status.words(self, event))",
        "rm_status.body(self.node_id, *rm_status.words(self, event))",
    ),
    Planted(
        "breaks the JSON of a long status",
        _STATUS,
        "        if len(made) <= _LONGEST:\n            return made\n",
        "        return made[:100]\n",
    ),
    Planted(
        "hears of other jobs between rebooting and the reset",
        _OFFER,
        "    elif cloud.busy:\n",
        '    elif cloud.busy and cloud.known[FIRMWARE].get("id") == message.get("ota_job_id"):\n',
    ),
    Planted(
        "forgets the checksum of a job",
        _OFFER,
        '"checksum": message.get("file_md5"),',
        '"checksum": None,',
    ),
    Planted(
        "starts whatever the window is while the clock is unknown",
        _HOURS,
        "        return now, self._zone, rules, track.forced\n",
        "        return now or 1767225780, self._zone, rules, track.forced\n",
    ),
    Planted(
        "never asks again when the line is lost before the answer",
        _FETCH,
        "            self._acknowledged_at = _NEVER\n            self._at = self._uptime_s\n",
        "            self._acknowledged_at = _NEVER\n",
    ),
    Planted(
        "takes blocks of another file",
        _STREAM,
        "        return is_read and self._form.file == _FILE\n",
        "        return is_read\n",
    ),
    Planted(
        "takes blocks in the order in which they come",
        _STREAM,
        "        self.at = index\n",
        "        self.at = self._scatter.first\n",
    ),
    Planted(
        "takes blocks of any length",
        _STREAM,
        "        if size != min(BLOCK, self._size - index * BLOCK):\n            return False\n",
        "",
    ),
    Planted(
        "never asks again for a block that is missing",
        _STREAM,
        "        self._asked = -1  # what is missing is asked for again\n",
        "",
    ),
    Planted(
        "takes a hole for whole after a cut",
        _REMAINS,
        "    hole = _first_hole(slot, end)\n",
        "    hole = end\n",
    ),
    Planted(
        "asks for the image although the connection is gone, without an end",
        _LINE,
        '        elif now - self._since_s > _SUBACK_S:\n            raise TransferError("subscription_unanswered")\n',
        "        elif False:\n            pass\n",
    ),
    Planted(
        "forgets at a reset what its user has switched off",
        "ota/cloud/rm_control.py",
        "        _keep(cloud.board, value)\n",
        "        pass\n",
    ),
)
