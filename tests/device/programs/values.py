# SPDX-License-Identifier: MIT
"""esp32.NVS, machine.RTC and what takes no time, as Python on the board sees them."""

import check
import esp32
import machine
import network
from check import error

NOT_FOUND = ("OSError", -4354, "ESP_ERR_NVS_NOT_FOUND")
TOO_LONG = ("OSError", -4361, "ESP_ERR_NVS_KEY_TOO_LONG")
nvs = esp32.NVS("space")


def test_item_51_values_need_no_commit():
    nvs.set_i32("n", -5)
    nvs.set_blob("b", b"\x00blob\xff")
    again, buf = esp32.NVS("space"), bytearray(10)
    assert again.get_i32("n") == -5
    assert again.get_blob("b", buf) == 6
    assert bytes(buf) == b"\x00blob\xff\x00\x00\x00\x00"
    assert nvs.commit() is None


def test_item_52_missing_and_erased_keys():
    assert error(nvs.get_i32, "none") == NOT_FOUND
    assert error(nvs.get_blob, "none", bytearray(4)) == NOT_FOUND
    nvs.set_i32("gone", 1)
    nvs.erase_key("gone")
    assert error(nvs.get_i32, "gone") == NOT_FOUND
    assert error(nvs.erase_key, "gone") == NOT_FOUND


def test_item_52_names_of_15_characters_and_more():
    esp32.NVS("n" * 15).set_i32("k" * 15, 7)
    assert esp32.NVS("n" * 15).get_i32("k" * 15) == 7
    assert error(nvs.set_i32, "k" * 16, 7) == TOO_LONG
    assert error(esp32.NVS, "n" * 16) == TOO_LONG


def test_item_52_buffer_too_small():
    nvs.set_blob("big", bytes(100))
    assert error(nvs.get_blob, "big", bytearray(99)) == ("OSError", -4364, "ESP_ERR_NVS_INVALID_LENGTH")


def test_item_52_full():
    assert error(esp32.NVS("full").set_blob, "b", bytes(13000)) == ("OSError", -4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")


def test_i32_range():
    for value in (2**31 - 1, -(2**31) + 1, 0):
        nvs.set_i32("edge", value)
        assert nvs.get_i32("edge") == value
    for value in (2**31, -(2**31)):
        assert error(nvs.set_i32, "edge", value)[0] == "OverflowError"
    assert nvs.get_i32("edge") == 0


def test_namespaces_are_apart():
    esp32.NVS("one").set_i32("k", 1)
    assert error(esp32.NVS("two").get_i32, "k") == NOT_FOUND


def test_rtc_memory_has_2048_bytes():
    rtc = machine.RTC()
    assert rtc.memory() == b""
    rtc.memory(b"\x01" * 2048)
    assert rtc.memory() == b"\x01" * 2048
    assert error(rtc.memory, bytes(2049)) == ("ValueError", "buffer too long")
    rtc.memory("text")
    assert rtc.memory() == b"text"


def test_unique_id_is_the_mac():
    assert machine.unique_id() == network.WLAN(network.STA_IF).config("mac") == b"\x24\x0a\xc4\x00\x00\x01"


def test_reset_causes_have_the_port_s_numbers():
    m = machine
    causes = (m.PWRON_RESET, m.HARD_RESET, m.WDT_RESET, m.DEEPSLEEP_RESET, m.SOFT_RESET)
    assert causes == (1, 2, 3, 4, 5)
    assert m.reset_cause() == 1


def test_watchdog_refuses_nonsense():
    assert error(machine.WDT, 1)[0] == "ValueError"
    assert error(machine.WDT, 0, 0) == ("ValueError", "WDT timeout too short")


def test_timer_refuses_unknown_numbers():
    assert error(machine.Timer, 4)[0] == error(machine.Timer, -2)[0] == "ValueError"


check.run(globals())
