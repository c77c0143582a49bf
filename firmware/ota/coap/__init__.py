# SPDX-License-Identifier: MIT
"""CoAP (RFC 7252, 7641, 7959) as a client of LwM2M needs it: datagrams to and from one peer.

message.py   what is in a datagram            endpoint.py  one peer: retransmission, duplicates, separate answers
replies.py   what a duplicate is answered     block.py     Block1 and Block2, and what of an upload has come
udp.py       the socket below, with DTLS or without
"""
