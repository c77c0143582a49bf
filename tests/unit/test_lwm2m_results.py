# SPDX-License-Identifier: MIT
"""What an error of ours is called in object 5 (lwm2m.md 2.2, 7)."""

from fakes import raises

from ota.cloud import lw_end
from ota.errors import JobError
from ota.source.coap_push import CoapPush

NO_MEMORY, LINK_LOST, BAD_URI, FAILED, UNSUPPORTED = 3, 4, 7, 8, 9


def test_who_cannot_be_trusted_or_judged_is_as_good_as_not_there():
    for error in ("tls_untrusted: another name", "clock_unknown", "tls_failed: 5", "coap_503", "http_silence"):
        assert lw_end.result_of(error) == LINK_LOST, error


def test_what_was_asked_for_again_in_vain_is_no_wrong_uri():
    """A server may ask for that in the 4xx too, and was asked; see source/coap.py and source/http_ask.py."""
    for error in ("coap_408", "http_408", "http_425", "http_429", "http_503"):
        assert lw_end.result_of(error) == LINK_LOST, error
    assert lw_end.result_of("http_403") == BAD_URI


def test_an_update_that_failed_is_not_its_download():
    for error in ("rolled_back: health", "ended_before", ""):
        assert lw_end.result_of(error) == FAILED, error
    assert lw_end.result_of("coap_404") == BAD_URI
    assert lw_end.result_of("url_unsupported") == UNSUPPORTED


class Full:
    """A cloud whose board has no memory left, and an upload that waits for its next block."""

    board = None
    step_ms = generation = 0
    is_waiting = is_last = False
    is_open = True

    def poll(self, ms):
        raise MemoryError

    def is_dead(self):
        return False

    def read(self, block, filled):
        self.is_waiting = False
        return filled + 1

    def answer_block(self, is_last):
        pass


def test_no_memory_in_a_push_is_said():
    cloud = Full()
    cloud.board = cloud
    push = CoapPush(cloud, cloud)
    for _ in range(2):
        assert push.readinto(bytearray(4)) is None  # as if it had been lost
    cloud.is_waiting = True  # a block has come after all: then it counts anew
    for _ in range(3):
        assert push.readinto(bytearray(4)) is None
    raises(JobError, "no_memory", push.readinto, bytearray(4))
    assert lw_end.result_of("no_memory") == NO_MEMORY
