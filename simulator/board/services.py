# SPDX-License-Identifier: MIT
"""What a device asks of the silicon: esp32 and machine requests, answered by a Chip and the board's alarms."""

import errno
import struct
from collections.abc import Callable

from simulator.board.alarms import Alarms
from simulator.board.chip import DEEP_SLEEP, HARD, SOFT, Chip
from simulator.board.errors import ChipReset, EspError
from simulator.board.link import DONE, Handler, Op, Reply, Request, Wait

_INFO = struct.Struct("=BBBII16s")
_LAST_TIMER = 30  # all that are due fit into one number of a reply

FlashProgress = Callable[[str, str, int, int], None]


class DeepSleep(ChipReset):
    """Off for `ms`, 0 for ever; waking up is a reset."""

    def __init__(self, ms: int) -> None:
        super().__init__(DEEP_SLEEP, "deep sleep")
        self.ms = ms


class ChipServices:
    """`on_flash(operation, label, offset, size)` is told about every erase and write of a partition."""

    def __init__(self, chip: Chip, alarms: Alarms, on_flash: FlashProgress) -> None:
        self._chip = chip
        self._alarms = alarms
        self._on_flash = on_flash

    def handlers(self) -> dict[Op, Handler]:
        """One method for each operation, of the same name."""
        return {op: getattr(self, name) for op, name in _METHODS.items()}

    # esp32.Partition

    def _read(self, request: Request) -> Reply:
        return Reply(0, self._chip.read(request.handle, request.a, request.b))

    def _write(self, request: Request) -> Reply:
        self._chip.write(request.handle, request.a, request.data)
        return self._changed("write", request, len(request.data))

    def _erase(self, request: Request) -> Reply:
        self._chip.erase(request.handle, request.a, request.b)
        return self._changed("erase", request, request.b)

    def _erase_write(self, request: Request) -> Reply:
        self._chip.erase_write(request.handle, request.a, request.data)
        return self._changed("write", request, len(request.data))

    def _changed(self, operation: str, request: Request, size: int) -> Reply:
        self._on_flash(operation, self._chip.info(request.handle)[4], request.a, size)
        return DONE

    def _find(self, request: Request) -> Reply:
        label = request.text if request.handle else None
        handles = self._chip.find(request.a, request.b, label)
        return Reply(len(handles), bytes(handles))

    def _lookup(self, request: Request) -> Reply:
        return Reply(self._chip.lookup(request.text))

    def _info(self, request: Request) -> Reply:
        kind, subtype, address, size, label, encrypted = self._chip.info(request.handle)
        return Reply(0, _INFO.pack(kind, subtype, encrypted, address, size, label.encode()))

    def _boot(self, request: Request) -> Reply:
        return Reply(self._chip.boot_partition())

    def _running(self, request: Request) -> Reply:
        return Reply(self._chip.running_partition())

    def _next_update(self, request: Request) -> Reply:
        return Reply(self._chip.next_update(request.handle))

    def _set_boot(self, request: Request) -> Reply:
        self._chip.set_boot(request.handle)
        return DONE

    def _mark_valid(self, request: Request) -> Reply:
        self._chip.mark_valid()
        return DONE

    # esp32.NVS

    def _nvs_open(self, request: Request) -> Reply:
        return Reply(self._chip.nvs.open(request.text))

    def _nvs_set_i32(self, request: Request) -> Reply:
        self._chip.nvs.set_i32(request.handle, request.text, request.a)
        return DONE

    def _nvs_get_i32(self, request: Request) -> Reply:
        return Reply(self._chip.nvs.get_i32(request.handle, request.text))

    def _nvs_set_blob(self, request: Request) -> Reply:
        key, blob = request.data[: request.a], request.data[request.a :]
        self._chip.nvs.set_blob(request.handle, key.decode(errors="replace"), blob)
        return DONE

    def _nvs_get_blob(self, request: Request) -> Reply:
        blob = self._chip.nvs.get_blob(request.handle, request.text, request.a)
        return Reply(len(blob), blob)

    def _nvs_erase(self, request: Request) -> Reply:
        self._chip.nvs.erase_key(request.handle, request.text)
        return DONE

    # machine

    def _reset(self, request: Request) -> Reply:
        raise ChipReset(HARD, "machine.reset")

    def _soft_reset(self, request: Request) -> Reply:
        raise ChipReset(SOFT, "soft reset")

    def _deepsleep(self, request: Request) -> Reply:
        raise DeepSleep(request.a)

    def _reset_cause(self, request: Request) -> Reply:
        return Reply(self._chip.reset_cause)

    def _unique_id(self, request: Request) -> Reply:
        return Reply(0, self._chip.mac)

    def _rtc_read(self, request: Request) -> Reply:
        return Reply(len(self._chip.rtc_memory), self._chip.rtc_memory)

    def _rtc_write(self, request: Request) -> Reply:
        self._chip.rtc_memory = request.data
        return DONE

    def _time(self, request: Request) -> Reply:
        return Reply(self._chip.time())

    def _set_time(self, request: Request) -> Reply:
        self._chip.set_time(request.a)
        return DONE

    def _watchdog(self, request: Request) -> Reply:
        self._alarms.arm_watchdog(self._now(), request.a)
        return DONE

    def _feed(self, request: Request) -> Reply:
        self._alarms.feed(self._now())
        return DONE

    def _timer(self, request: Request) -> Reply:
        if request.handle > _LAST_TIMER:
            raise EspError(errno.ENOMEM)
        self._alarms.arm_timer(request.handle, self._now(), request.a, is_periodic=bool(request.b))
        return DONE

    def _timers(self, request: Request) -> Reply:
        return Reply(self._alarms.take_due(self._now()))

    def _sleep(self, request: Request) -> Wait:
        return Wait(_not_yet, Reply, request.b)

    def _repl(self, request: Request) -> Wait:
        return Wait(_not_yet, Reply, -1, is_repl=True)

    def _now(self) -> float:
        return self._chip.clock.now_ms()


def _not_yet() -> None:
    """Of what only time ends."""


_METHODS = {op: name for op in Op if hasattr(ChipServices, name := "_" + op.name.lower())}
