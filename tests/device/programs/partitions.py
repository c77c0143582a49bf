# SPDX-License-Identifier: MIT
"""esp32.Partition as Python on the board sees it; item numbers are those of esp32.md section 9."""

import check
from check import error
from esp32 import Partition

SIZE = ("OSError", -260, "ESP_ERR_INVALID_SIZE")
ARG = ("OSError", -258, "ESP_ERR_INVALID_ARG")
INVALID_IMAGE = ("OSError", -5379, "ESP_ERR_OTA_VALIDATE_FAILED")
BLOCKS = 0x180000 // 4096

spare = Partition("ota_1")


def read(offset, size):
    buf = bytearray(size)
    spare.readblocks(0, buf, offset)
    return bytes(buf)


def test_item_03_writeblocks_with_offset_never_erases():
    spare.ioctl(6, 3)
    spare.writeblocks(3, b"\xf0\x0f\xff", 10)
    spare.writeblocks(3, b"\x3c\x3c\x3c", 10)
    assert read(3 * 4096 + 9, 5) == b"\xff\x30\x0c\x3c\xff"


def test_item_04_two_arguments_need_whole_sectors():
    before = read(0, 8192)
    for size in (1, 4095, 4097):
        assert error(spare.writeblocks, 0, bytes(size)) == SIZE
    assert read(0, 8192) == before


def test_item_04_two_arguments_erase_first():
    spare.writeblocks(1, bytes(8192))
    spare.writeblocks(1, b"\xa5" * 4096)
    assert read(4096, 4096) == b"\xa5" * 4096
    assert read(8192, 4096) == bytes(4096)


def test_item_05_small_blocks_are_read_modify_write():
    small = Partition("ota_1", 512)
    spare.writeblocks(4, b"\x11" * 8192)
    small.writeblocks(4 * 8 + 7, b"\x22" * 700)
    assert read(4 * 4096, 8192) == b"\x11" * (7 * 512) + b"\x22" * 700 + b"\x11" * (8192 - 7 * 512 - 700)


def test_item_05_small_blocks_keep_to_the_partition():
    small = Partition("ota_1", 512)
    assert error(small.writeblocks, BLOCKS * 8, b"x") == SIZE


def test_item_06_ioctl_erases_one_block():
    spare.writeblocks(6, bytes(3 * 4096))
    assert spare.ioctl(6, 7) == 0
    assert read(6 * 4096, 3 * 4096) == bytes(4096) + b"\xff" * 4096 + bytes(4096)


def test_item_06_ioctl_erases_only_with_blocks_of_a_sector():
    assert Partition("ota_1", 512).ioctl(6, 0) == -22
    assert Partition("ota_1", 8192).ioctl(6, 0) == -22


def test_item_06_ioctl_out_of_range():
    assert error(spare.ioctl, 6, BLOCKS) == SIZE
    assert error(spare.ioctl, 6, -1) == ARG


def test_ioctl_tells_the_geometry():
    assert [spare.ioctl(op, 0) for op in (1, 2, 3, 4, 5, 7)] == [0, 0, 0, BLOCKS, 4096, None]
    assert Partition("ota_1", 512).ioctl(4, 0) == BLOCKS * 8


def test_block_size_has_16_bits():
    assert Partition("ota_1", 65536).ioctl(5, 0) == 0
    assert Partition("ota_1", 65536 + 512).ioctl(5, 0) == 512


def test_item_09_reads_at_the_end_and_beyond():
    assert error(spare.readblocks, BLOCKS, bytearray(1)) == SIZE
    assert error(spare.readblocks, BLOCKS - 1, bytearray(4097)) == SIZE
    assert error(spare.readblocks, BLOCKS, bytearray(1), 1) == ARG
    assert error(spare.readblocks, -1, bytearray(16)) == ARG
    assert error(spare.readblocks, 1 << 20, bytearray(16)) == ARG


def test_item_09_any_length_and_alignment_within():
    spare.writeblocks(9, bytes(range(256)) * 16)
    assert read(9 * 4096 + 3, 7) == bytes((3, 4, 5, 6, 7, 8, 9))


def test_item_10_nothing_to_read_is_an_error_and_nothing_to_write_is_not():
    assert error(spare.readblocks, 0, bytearray(0)) == ARG
    assert error(spare.writeblocks, 0, b"") is None
    assert error(spare.writeblocks, 0, b"", 5) is None


def test_a_string_is_a_buffer():
    spare.ioctl(6, 10)
    spare.writeblocks(10, "abc", 0)
    assert read(40960, 4) == b"abc\xff"


def test_item_17_find_keeps_the_order_of_the_table():
    labels = [p.info()[4] for p in Partition.find(0xFF)]
    assert labels == ["nvs", "otadata", "phy_init", "ota_0", "ota_1", "vfs"], labels
    assert [p.info()[4] for p in Partition.find()] == ["ota_0", "ota_1"]
    assert [p.info()[4] for p in Partition.find(Partition.TYPE_DATA, label="phy_init")] == ["phy_init"]


def test_item_18_the_dynamic_vfs_comes_last():
    assert Partition("vfs").info() == (1, 0x81, 0x310000, 0x400000 - 0x310000, "vfs", False)


def test_item_19_find_by_type():
    assert len(Partition.find(0xFF)) == 6
    assert Partition.find(0xFF, 0x10) == []
    assert Partition.find(2) == []
    assert len(Partition.find(0, 0x11)) == 1


def test_item_20_unknown_partitions():
    assert error(Partition, "nope") == ("OSError", 2)
    assert error(Partition, 2) == ("ValueError",)


def test_item_36_a_data_partition_is_no_image():
    assert error(Partition("nvs").set_boot) == INVALID_IMAGE


def test_item_36_an_empty_slot_is_no_image():
    Partition("ota_1").ioctl(6, 0)
    assert error(Partition("ota_1").set_boot) == INVALID_IMAGE


def test_item_43_confirming_what_is_valid_says_nothing():
    assert Partition.mark_app_valid_cancel_rollback() is None


def test_item_45_boot_follows_otadata_and_running_does_not():
    running, block = Partition(Partition.RUNNING), bytearray(4096)
    for n in range(BLOCKS):
        running.readblocks(n, block)
        if n > 64 and block == b"\xff" * 4096:
            break
        spare.writeblocks(n, block)
    spare.set_boot()
    assert Partition(Partition.BOOT).info() == spare.info()
    assert Partition(Partition.RUNNING).info()[4] == "ota_0"
    running.set_boot()
    assert Partition(Partition.BOOT).info()[4] == "ota_0"


def test_item_56_objects_are_never_equal_but_infos_are():
    assert Partition("ota_0") != Partition("ota_0")
    assert Partition("ota_0").info() == Partition("ota_0").info() == (0, 16, 0x10000, 0x180000, "ota_0", False)


def test_item_57_the_next_update_wraps():
    names = [Partition(label).get_next_update().info()[4] for label in ("ota_0", "ota_1", "nvs")]
    assert names == ["ota_1", "ota_0", "ota_0"]
    assert Partition("ota_0", 512).get_next_update().ioctl(5, 0) == 4096


def test_item_60_an_image_that_is_too_long_fails_at_the_end():
    assert error(spare.writeblocks, BLOCKS - 1, bytes(4096)) is None
    assert error(spare.writeblocks, BLOCKS, bytes(4096)) == SIZE
    assert read((BLOCKS - 1) * 4096, 4096) == bytes(4096)


def test_print_form_has_decimal_fields():
    text = "<Partition type=0, subtype=17, address=1638400, size=1572864, label=ota_1, encrypted=0>"
    assert repr(spare) == text, repr(spare)


check.run(globals())
