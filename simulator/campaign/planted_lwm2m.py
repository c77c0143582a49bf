# SPDX-License-Identifier: MIT
"""Bugs put into what speaks LwM2M on purpose; see planted.py."""

from simulator.campaign.planted_bug import Planted

_CLOUD, _PULL = "ota/cloud/lwm2m.py", "ota/source/coap.py"
_BLOCK, _ENDPOINT, _REPLIES = [f"ota/coap/{name}.py" for name in ("block", "endpoint", "replies")]
_BOOKS, _PACKAGES, _RECALL, _TELLING = [f"ota/lwm2m/{name}.py" for name in ("books", "packages", "recall", "telling")]
# Two of what keeps a push whole, whichever block comes.
_NO_GAP = (_BLOCK, "        if at != self.received:\n            return _INCOMPLETE\n", "")
_NO_REPEAT = (_BLOCK, "        if at + size <= self.received and (size or self.is_last):", "        if False:")

LWM2M_BUGS = (
    Planted(
        "obeys an order from before a power cut",
        _RECALL,
        "    cloud.is_ordered = facts.state == _DOWNLOADED and facts.result == _DEFERRED\n",
        "    cloud.is_ordered = facts.state == _UPDATING\n",
    ),
    Planted(
        "sends what was, after what is has been read",
        _TELLING,
        "    if path[0] == 5 and (len(path) < 3 or path[2] in (3, 5)):\n",
        "    if False:\n",
    ),
    Planted(
        "forgets which bytes it has when the power goes",
        _CLOUD,
        '            known["tag"], known["size"] = job.mark, size\n',
        '            known["size"] = size\n',
    ),
    Planted(
        "forgets over a reset what it has told",
        _BOOKS,
        "    _keep(cloud)\n    if",
        "    if",
    ),
    Planted(
        "forgets at a boot that all is there",
        _RECALL,
        "    elif facts.state in (_DOWNLOADED, _UPDATING):\n",
        "    elif facts.state == _UPDATING:\n",
    ),
    Planted(
        "activates what nobody has ordered",
        _CLOUD,
        "        return self.is_ordered or (",
        "        return True or (",
    ),
    Planted(
        "takes every boot after an order for success",
        _RECALL,
        "    elif facts.state in (_DOWNLOADED, _UPDATING):\n",
        "    elif facts.state == _UPDATING:\n"
        "        from ota.lwm2m import firmware\n\n"
        "        firmware.Firmware(cloud).updated()\n"
        "    elif facts.state == _DOWNLOADED:\n",
    ),
    Planted(
        "is reset before the server has heard of it",
        _CLOUD,
        "        return not handle or self.is_told\n",
        "        return True\n",
    ),
)
LWM2M_SOFTWARE_BUGS = (
    Planted(
        "installs a package that nobody has ordered",
        _PACKAGES,
        "    cloud.is_ordered = record.is_ordered\n",
        "    cloud.is_ordered = True\n",
    ),
    Planted(
        "forgets over a reset that a package is to be installed",
        _PACKAGES,
        '    record.is_ordered = kept.get("ordered") is True and',
        "    record.is_ordered = False and",
    ),
    Planted(
        "forgets over a reset what a package has come to",
        _PACKAGES,
        '    record.state = number(kept.get("state"), 0, _INSTALLED, 0)\n',
        "",
    ),
)
# One line of these alone is mended by the next one.
LWM2M_MESSAGE_BUGS = (
    Planted(
        "appends each block that is pushed, wherever it belongs",
        _REPLIES,
        "        if i < 0 or ticks_diff(now, self._at[i]) > _LIFETIME_MS:\n",
        "        if True:\n",
        also=(_NO_GAP, _NO_REPEAT),
    ),
    Planted(
        "takes a block that was cut short for a whole one",
        _BLOCK,
        "(more and size != 16 << szx) or ",
        "",
        also=(_NO_GAP, _NO_REPEAT),
    ),
    Planted(
        "takes any answer for that to its last request",
        _PULL,
        '        if at != self._offset + self._filled:\n            raise TransferError("coap_bad_block")\n',
        "",
        also=((_ENDPOINT, " and m.mid == self._sent_mid", ""), (_ENDPOINT, " and m.token == self._token", "")),
    ),
    Planted(
        "says nothing twice",
        _ENDPOINT,
        "_REPEATS = const(4)",
        "_REPEATS = const(0)",
    ),
)
