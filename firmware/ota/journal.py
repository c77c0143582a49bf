# SPDX-License-Identifier: MIT
"""The few facts that survive a reset: two NVS records written in turn, versioned, numbered, with CRC.

After any cut `load` finds the old facts or the new ones. Both gone means: idle, nothing known.
Few and small on purpose, for an update costs a handful of NVS writes. Firmware and software have a journal each, so
neither can make the other forget. The facts:
  job    id, title, version, stage (erasing | writing | activating), tries, slot, why, mark,
         leaves: see trial.py, left: see other.py
  slots  {label of a slot or tree: [job id, title, version, mark if it has one]}: what was installed there by us and was
         confirmed; None: an update has begun to take its place
  bad    what was rolled back, newest last, and `free`, when it may be tried again: see quarantine.py
  outbox the terminal reports that the cloud has not acknowledged yet, oldest first
  last   id of the job that was reported last; where the cloud remembers its jobs (ota.cloud) there is in its place
  runtime [id, title, version]: the job that was refused for want of newer firmware, and the firmware that ran
  starts [job id, how often it was started without an end and without a step forward, the furthest offset,
         how many of them followed a loss of power]
  wear   how many starts have erased today: see wear.py
  watch  firmware that was confirmed may still go: see watching.py
  crash  what the application has raised last, before a reset: see safe.py
  control what the application has switched off, and what was put off: see switches.py and deferral.py
"""

import binascii
import json
import struct

from ota.errors import FlashError, JobError, OtaError
from ota.log import log
from ota.port import const, forget

_VERSION = const(1)
_LIMIT = const(3072)  # bytes of one record; the largest blob that is certain to fit beside its twin
_ATTEMPTS = const(3)  # the chip may fail once
_HEAD = const("<BII")  # version, sequence, CRC-32 over sequence and body
_HEAD_SIZE = const(9)


def crc(seq, body):
    return binascii.crc32(body, binascii.crc32(struct.pack("<I", seq))) & 0xFFFFFFFF


class Journal:
    """`facts` is what is known; change it through `save` and `keep` only. `name`: how its two keys in NVS begin."""

    def __init__(self, nvs, name="journal"):
        self._nvs = nvs
        self._keys = (name + "0", name + "1")
        from ota import records

        forget("ota.records")
        self._seq, self.facts = records.find(nvs, self._keys, bytearray(_LIMIT), _HEAD, _VERSION)
        self._written = self._wanted = self.facts

    def get(self, name):
        return self.facts.get(name)

    def save(self, **facts):
        """Merges `facts` into the record and writes it; None removes a fact. One NVS write, none if nothing changed.

        Raises JobError `record_too_long`, FlashError `journal_failed`: then nothing has changed.
        """
        merged = self._wanted = dict(self.facts)
        for name in facts:
            merged[name] = facts[name]
            if facts[name] is None:
                del merged[name]
        if merged != self._written:
            body = json.dumps(merged, separators=(",", ":")).encode()
            seq = self._seq + 1
            if len(body) + _HEAD_SIZE > _LIMIT:
                raise JobError("record_too_long")
            body = struct.pack(_HEAD, _VERSION, seq, crc(seq, body)) + body
            for attempt in range(_ATTEMPTS):
                try:
                    self._nvs.set_blob(self._keys[seq & 1], body)
                    self._nvs.commit()
                    break
                except OSError as error:
                    if attempt + 1 == _ATTEMPTS:
                        raise FlashError("journal_failed", str(error))
            self._seq, self._written = seq, merged
        self.facts = merged

    def keep(self, **facts):
        """The same where no failure may stop what follows: then it is only as durable as the power. Raises nothing."""
        try:
            self.save(**facts)
        except OtaError as error:
            log("warning", "code", error.code)
            self.facts = self._wanted
