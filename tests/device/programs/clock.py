# SPDX-License-Identifier: MIT
"""time and machine.Timer as Python on the board sees them. Virtual time: what is not slept takes no time."""

import time

import check
import esp32
import machine


def spent(action, *args):
    start = time.ticks_ms()
    action(*args)
    return time.ticks_diff(time.ticks_ms(), start)


def test_item_54_time_starts_at_2000_with_the_power():
    assert 0 <= time.time() < 30
    assert time.gmtime()[:5] == (2000, 1, 1, 0, 0)


def test_item_55_epoch_2000():
    assert tuple(time.gmtime(0)) == (2000, 1, 1, 0, 0, 0, 5, 1)
    assert time.mktime((2026, 11, 20, 12, 30, 15, 0, 0)) == 848493015
    assert tuple(time.localtime(848493015)) == (2026, 11, 20, 12, 30, 15, 4, 324)


def test_sleeping_takes_exactly_its_time():
    assert spent(time.sleep_ms, 250) == 250
    assert spent(time.sleep, 1.5) == 1500
    assert spent(time.sleep_us, 3000) == 3
    assert spent(machine.lightsleep, 70) == 70
    assert spent(time.sleep_ms, 0) in (0, 1)
    assert spent(time.sleep_ms, -5) in (0, 1)


def test_flash_takes_time_as_well():
    spare = esp32.Partition("ota_1")
    assert 40 <= spent(spare.ioctl, 6, 0) <= 50
    assert 50 <= spent(spare.writeblocks, 1, bytes(4096)) <= 65


def test_waiting_by_looking_at_the_clock_ends():
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < 20:
        pass
    assert time.ticks_diff(time.ticks_ms(), start) == 20


def test_waiting_without_sleeping_ends():
    start = time.time()
    while time.time() < start + 2:
        pass


def test_ticks_wrap_at_30_bits():
    assert time.ticks_add(0x3FFFFFFF, 3) == 2
    assert time.ticks_diff(2, 0x3FFFFFFF) == 3
    assert time.ticks_diff(0x3FFFFFFF, 2) == -3
    assert time.ticks_diff(0, 0x20000000) == -0x20000000


def test_zz_setting_the_clock_moves_time_but_no_ticks():
    ticks = time.ticks_ms()
    machine.RTC().datetime((2026, 11, 20, 4, 12, 30, 15, 0))
    assert time.time() == 848493015
    assert machine.RTC().datetime()[:7] == (2026, 11, 20, 4, 12, 30, 15)
    assert time.ticks_diff(time.ticks_ms(), ticks) < 5


def test_timer_once():
    calls = []
    timer = machine.Timer(0)
    timer.init(mode=machine.Timer.ONE_SHOT, period=30, callback=lambda t: calls.append((t is timer, time.ticks_ms())))
    start = time.ticks_ms()
    time.sleep_ms(100)
    assert calls == [(True, start + 30)], (calls, start)


def test_timers_repeat_in_order_until_they_are_stopped():
    calls = []
    fast = machine.Timer(1, period=20, callback=lambda t: calls.append("fast"))
    slow = machine.Timer(2, freq=20, callback=lambda t: calls.append("slow"))
    time.sleep_ms(110)
    fast.deinit()
    slow.deinit()
    time.sleep_ms(100)
    assert calls == ["fast", "fast", "slow", "fast", "fast", "fast", "slow"], calls


def test_software_timers_have_no_number():
    calls = []
    for name in ("a", "b"):
        machine.Timer(-1).init(mode=0, period=10, callback=lambda t, name=name: calls.append(name))
    time.sleep_ms(15)
    assert calls == ["a", "b"], calls


def test_a_callback_that_fails_is_printed_and_repeated():
    calls = []

    def fails(timer):
        calls.append(1)
        raise ValueError("in a callback")

    timer = machine.Timer(3, period=10, callback=fails)
    time.sleep_ms(25)
    timer.deinit()
    assert len(calls) == 2


def test_a_callback_that_sleeps_does_not_prolong_the_sleep_it_interrupts():
    for callback_ms, total_ms in ((50, 100), (500, 510)):
        machine.Timer(0, mode=0, period=10, callback=lambda t, ms=callback_ms: time.sleep_ms(ms))
        assert spent(time.sleep_ms, 100) == total_ms


check.run(globals())
