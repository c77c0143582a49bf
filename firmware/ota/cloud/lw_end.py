# SPDX-License-Identifier: MIT
"""What an error of ours is called in object 5 (lwm2m.md 2.2, 7); packages.py takes it from there. Loaded on failure."""

from ota.port import const

_NO_FLASH = const(2)
_NO_MEMORY = const(3)
_LINK_LOST = const(4)
_DAMAGED = const(5)
_NO_IMAGE = const(6)
_BAD_URI = const(7)
_FAILED = const(8)
_UNSUPPORTED = const(9)
_CANCELLED = const(10)
_RESULTS = (
    (_NO_FLASH, " slot_too_small no_spare_slot no_space "),
    (_NO_MEMORY, " no_memory "),
    (_DAMAGED, " checksum_mismatch flash_mismatch not_verified bad_archive file_mismatch wrong_size stray_file "),
    (_NO_IMAGE, " not_an_image not_an_app wrong_chip image_too_small not_a_package bad_manifest bad_path bad_order "),
    (_BAD_URI, " bad_url no_address no_size bad_size http_redirects http_downgrade "),
    (_UNSUPPORTED, " url_unsupported tls_no_ca tls_unsupported tls_bad_settings psk_unsupported "),
    (_CANCELLED, " cancelled "),
    (_LINK_LOST, " link_lost offline connect_failed short_block push_silence push_ended "),
    (_LINK_LOST, " tls_failed tls_untrusted clock_unknown coap_408 http_408 http_425 http_429 "),
)


def result_of(error):
    """Of the text of an error, CODE or CODE: DETAIL."""
    code = error.partition(":")[0]
    for result, codes in _RESULTS:
        if " %s " % code in codes:
            return result
    if code[:6] in ("coap_4", "http_4"):
        return _BAD_URI
    if code[:5] in ("coap_", "http_"):
        return _LINK_LOST
    return _FAILED
