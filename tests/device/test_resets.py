# SPDX-License-Identifier: MIT
"""Crash, hang, reset, watchdog, Ctrl-D, deep sleep, power cut: each means here what it means on the chip."""

import os
import signal

import pytest

from simulator.board.chip import DEEP_SLEEP, HARD, POWER_ON, SOFT, WATCHDOG
from simulator.board.errors import PowerCut
from simulator.board.net import EPOCH_MS
from simulator.clouds.thingsboard import ThingsBoard
from simulator.errors import UserError
from simulator.interpreters import Interpreter
from tests.device.harness import at_repl, board, events, printed

COUNT = """
import esp32, machine, sys, time
nvs = esp32.NVS("count")
try:
    run = nvs.get_i32("run") + 1
except OSError:
    run = 0
nvs.set_i32("run", run)
print("run", run, "cause", machine.reset_cause())
"""


def test_reset_never_returns_not_even_to_finally(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    machine.RTC().memory("kept")
    time.sleep(5)
    try:
        machine.reset()
    finally:
        print("finally")
print("end", machine.RTC().memory(), time.time(), time.ticks_ms() < 1000)
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 2", "end b'kept' 7 True"]
        assert events(twin, "reset", "cause", "why") == [(HARD, "machine.reset")]


def test_writing_to_the_running_slot_resets_the_chip(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    try:
        esp32.Partition(esp32.Partition.RUNNING).writeblocks(0, bytes(4096))
    except Exception as error:
        print("raised", error)
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 2"]
        assert "protects" in events(twin, "reset", "why")[0]


def test_watchdog_ends_a_hang(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    machine.RTC().memory("kept")
    machine.WDT(timeout=3000)
    print("hangs at", time.ticks_ms())
    while True:
        pass
print(machine.RTC().memory())
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines[-2:] == ["run 1 cause 3", "b'kept'"]
        start, end = events(twin, "boot", "ms")[0], events(twin, "reset", "ms")[0]
        hang = int(twin.story.lines[1].split()[-1])
        assert 3000 <= end - start - hang <= 3002
        assert events(twin, "reset", "cause") == [WATCHDOG]


def test_a_hang_without_watchdog_is_for_ever(interpreter: Interpreter) -> None:
    with board(interpreter, "while True: pass") as twin:
        assert not twin.run(at_repl, timeout_s=86400)
        assert (twin.why, twin.story.boots) == ("timeout", 1)


def test_watchdog_that_is_fed_stays_quiet_and_can_be_stretched(interpreter: Interpreter) -> None:
    program = """
wdt = machine.WDT(timeout=1000)
for _ in range(5):
    time.sleep_ms(900)
    wdt.feed()
machine.WDT(timeout=60000)
time.sleep(50)
print("alive")
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(printed("alive"))
        assert twin.story.boots == 1
        assert twin.run(printed("run 1"))
        assert events(twin, "reset", "cause") == [WATCHDOG]


def test_item_47_the_watchdog_counts_while_set_boot_hashes(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    P = esp32.Partition
    spare, block = P("ota_1"), bytearray(4096)
    for n in range(64):
        P("ota_0").readblocks(n, block)
        spare.writeblocks(n, block)
    machine.WDT(timeout=20)
    spare.set_boot()
    print("survived")
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 3"]


def test_item_54_watchdog_survives_a_soft_reset(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    machine.WDT(timeout=4000)
    machine.Timer(0, mode=0, period=2000, callback=lambda t: print("never"))
    time.sleep(1)
    machine.soft_reset()
if run == 1:
    time.sleep(10)
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 5", "run 2 cause 3"]
        assert events(twin, "reset", "cause") == [SOFT, WATCHDOG]


def test_item_32_soft_reset_does_not_touch_otadata(interpreter: Interpreter) -> None:
    with board(interpreter, COUNT) as twin:
        assert twin.run(at_repl)
        otadata = twin.flash.read(0xD000, 0x2000)
        twin.board.soft_reset()
        assert twin.run(at_repl)
        assert twin.flash.read(0xD000, 0x2000) == otadata
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 5"]
        assert events(twin, "reset", "why") == ["Ctrl-D"]


def test_a_reset_from_a_pending_image_goes_back_and_a_soft_one_does_not(interpreter: Interpreter) -> None:
    program = """
P = esp32.Partition
print("slot", P(P.RUNNING).info()[4])
if run == 0:
    spare, block = P("ota_1"), bytearray(4096)
    for n in range(64):
        P("ota_0").readblocks(n, block)
        spare.writeblocks(n, block)
    spare.set_boot()
if run < 3:
    (machine.soft_reset if run == 1 else machine.reset)()
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert [line for line in twin.story.lines if line.startswith("slot")] == [
            "slot ota_0", "slot ota_1", "slot ota_1", "slot ota_0",
        ]  # fmt: skip


def test_system_exit_is_a_soft_reset(interpreter: Interpreter) -> None:
    with board(interpreter, COUNT + "if run == 0: sys.exit()\n") as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 5"]


def test_an_exception_ends_at_the_repl_until_the_watchdog_bites(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    machine.WDT(timeout=300000)
    raise ValueError("oops")
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert "ValueError: oops" in twin.story.lines[-1]
        assert twin.run(printed("run 1 cause 3"))
        before, after = events(twin, "repl", "ms")[0], events(twin, "reset", "ms")[0]
        assert after - before == 300000


def test_the_repl_without_an_alarm_is_for_ever(interpreter: Interpreter) -> None:
    with board(interpreter, "raise ValueError") as twin:
        assert twin.board.run() == "idle"
        assert twin.board.run(timeout_s=1000) == "timeout"
        assert twin.story.boots == 1


def test_timers_go_on_at_the_repl(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    machine.Timer(0, mode=0, period=90000, callback=lambda t: machine.reset())
    raise ValueError
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(printed("run 1 cause 2"))


def test_timers_interrupt_a_busy_loop(interpreter: Interpreter) -> None:
    program = """
import machine
machine.Timer(0, mode=0, period=5000, callback=lambda t: print("tick"))
while True:
    pass
"""
    with board(interpreter, program) as twin:
        assert twin.run(printed("tick"))
        assert events(twin, "console", "ms")[0] - events(twin, "boot", "ms")[0] in range(5000, 5200)


def test_a_crashed_interpreter_is_a_crashed_chip(interpreter: Interpreter) -> None:
    with board(interpreter, COUNT + "if run == 0: time.sleep(1)\n") as twin:
        assert twin.run(printed("run 0"))
        os.kill(twin.board._session.process.pid, signal.SIGSEGV)
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 2"]


def test_deep_sleep_wakes_as_a_reset_that_keeps_rtc_memory(interpreter: Interpreter) -> None:
    program = """
if run == 0:
    machine.RTC().memory("kept")
    machine.deepsleep(60000)
print(machine.RTC().memory(), time.time() >= 61)
"""
    with board(interpreter, COUNT + program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 4", "b'kept' True"]
        assert events(twin, "reset", "cause") == [DEEP_SLEEP]


def test_deep_sleep_without_an_end_ends_with_the_power(interpreter: Interpreter) -> None:
    with board(interpreter, COUNT + "if run == 0: machine.deepsleep()\n") as twin:
        assert not twin.run(at_repl)
        assert twin.why == "asleep"
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 1"]


def test_item_49_a_power_cut_takes_rtc_memory_and_time(interpreter: Interpreter) -> None:
    program = """
print(machine.RTC().memory(), time.time() < 5)
machine.RTC().memory("kept")
time.sleep(30)
"""
    with board(interpreter, COUNT + program) as twin:
        twin.run_for(20)
        twin.cut()
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "b'' True", "run 1 cause 1", "b'' True"]
        assert events(twin, "off", "why") == ["power cut"]


def test_a_power_cut_inside_a_flash_operation_stops_the_device_there(interpreter: Interpreter) -> None:
    program = """
spare = esp32.Partition("ota_1")
if run == 0:
    spare.writeblocks(0, b"new!" * 1024)
    print("written")
block = bytearray(4)
spare.readblocks(0, block)
print(bytes(block))
"""

    def on_op(kind: str, address: int, size: int) -> None:
        if (kind, address) == ("program", 0x190000):
            raise PowerCut

    with board(interpreter, COUNT + program) as twin:
        twin.flash.on_op = on_op
        assert not twin.run(at_repl)
        assert twin.why == "power_cut"
        twin.flash.on_op = None
        assert twin.run(at_repl)
        assert twin.story.lines == ["run 0 cause 1", "run 1 cause 1", "b'\\xff\\xff\\xff\\xff'"]
        assert events(twin, "boot", "cause") == [POWER_ON, POWER_ON]


def test_nothing_to_boot_is_told(interpreter: Interpreter) -> None:
    with board(interpreter, COUNT) as twin:
        twin.flash.erase(0x10000, 0x1000)
        assert twin.board.run() == "no_boot"
        assert events(twin, "boot", "slot") == [None]


def test_max_boots_bounds_a_run(interpreter: Interpreter) -> None:
    with board(interpreter, "import machine; machine.reset()") as twin:
        assert not twin.run(at_repl, max_boots=3)
        assert (twin.why, twin.story.boots) == ("boots", 3)


def test_a_heap_too_small_to_start_is_a_clear_error(interpreter: Interpreter) -> None:
    if not interpreter.is_micropython:
        with board(interpreter, COUNT, heap="8k") as twin:
            assert twin.run(at_repl)
            assert twin.board.peak_heap is None  # CPython has no heap to measure, and no limit
        return
    with board(interpreter, COUNT, heap="8k") as twin, pytest.raises(UserError) as caught:
        twin.run(at_repl)
    assert caught.value.code == "device_failed"
    assert "MemoryError" in caught.value.text


def test_peak_heap_is_what_the_device_used(interpreter: Interpreter) -> None:
    program = COUNT + "big = bytearray(50000)\nesp32.Partition('ota_1').ioctl(6, 0)\n"
    with board(interpreter, program, heap="200k") as twin:
        assert twin.run(at_repl)
        if interpreter.is_micropython:
            assert 50000 < twin.board.peak_heap < 200 * 1024


def test_a_run_stops_at_the_line_it_was_told_and_the_next_goes_on_from_there(interpreter: Interpreter) -> None:
    with board(interpreter, "print('one\\ntwo\\nthree')") as twin:
        assert twin.run(printed("one"))
        assert twin.story.lines == ["one"]
        assert twin.run(printed("two"))
        assert twin.story.lines == ["one", "two"]
        twin.board.close()
        assert twin.story.lines == ["one", "two", "three"]


def test_item_50_ram_and_sockets_are_gone_after_every_reset_but_flash_is_not(interpreter: Interpreter) -> None:
    """Causes 1 to 4: power, machine.reset, watchdog, deep sleep. The peer is not told that its socket is gone."""
    program = """
import network, ram, socket
wlan = network.WLAN(network.STA_IF)
print("kept", ram.things, wlan.isconnected())
wlan.active(True)
wlan.connect("simulated", "")
while not wlan.isconnected():
    time.sleep_ms(100)
link = socket.socket()
link.connect(socket.getaddrinfo("cloud.example", 1883)[0][-1])
ram.things.append(link)
if run == 0:
    machine.reset()
elif run == 1:
    machine.WDT(timeout=1000)
elif run == 2:
    machine.deepsleep(1000)
"""
    cloud = ThingsBoard(seed=1, now_ms=EPOCH_MS)
    with board(interpreter, COUNT + program, cloud=cloud, frozen={"ram.py": "things = []\n"}) as twin:
        assert twin.run(lambda event: at_repl(event) and twin.story.boots == 4)
        twin.cut()
        assert twin.run(at_repl)
        assert [line for line in twin.story.lines if line.startswith("kept")] == ["kept [] False"] * 5
        assert [line.split()[-1] for line in twin.story.lines if line.startswith("run")] == ["1", "2", "3", "4", "1"]
        assert not [event for event in cloud.events if event["event"] == "close" and event["by"] == "device"]
