# SPDX-License-Identifier: MIT
"""Numbers of CoAP by the names that RFC 7252, 7641 and 7959 give them. The firmware has them where it needs them."""

CON = 0
NON = 1
ACK = 2
EMPTY = 0
GET = 1
POST = 2
CREATED = 65
CHANGED = 68
CONTENT = 69
CONTINUE = 95
BAD_REQUEST = 128
NOT_ALLOWED = 133
INCOMPLETE = 136
TOO_LARGE = 141
LOCATION_PATH = 8
URI_PATH = 11
CONTENT_FORMAT = 12
URI_QUERY = 15
BLOCK1 = 27
SIZE1 = 60


def block(num, more, szx):
    """The value of a Block option (RFC 7959 2.2)."""
    return num << 4 | (8 if more else 0) | szx
