# SPDX-License-Identifier: MIT
"""What an error of ours is called in object 5 (lwm2m.md 2.2, 7). Loaded when an update fails."""

from ota.lwm2m import firmware as results

_RESULTS = (
    (results.NO_FLASH, " slot_too_small no_spare_slot "),
    (results.NO_MEMORY, " no_memory "),
    (results.DAMAGED, " checksum_mismatch flash_mismatch not_verified "),
    (results.NO_IMAGE, " not_an_image not_an_app wrong_chip image_too_small "),
    (results.BAD_URI, " bad_url no_address no_size bad_size http_redirects http_downgrade "),
    (results.UNSUPPORTED, " url_unsupported tls_no_ca tls_unsupported tls_bad_settings psk_unsupported "),
    (results.CANCELLED, " cancelled "),
    (results.LINK_LOST, " link_lost offline connect_failed short_block push_silence push_ended tls_failed "),
)


def result_of(error):
    """Of the text of an error, CODE or CODE: DETAIL."""
    code = error.partition(":")[0]
    for result, codes in _RESULTS:
        if " %s " % code in codes:
            return result
    if code[:6] in ("coap_4", "http_4"):
        return results.BAD_URI
    if code[:5] in ("coap_", "http_"):
        return results.LINK_LOST
    return results.FAILED
