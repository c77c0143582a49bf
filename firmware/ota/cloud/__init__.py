# SPDX-License-Identifier: MIT
"""The clouds: one file each, which turns its messages into Job and events and back. Nothing else knows its names.

connect()              blocks at most 10 s; TransferError when it fails
poll(ms)               handles at most one message that arrives within ms; TransferError when the link is lost
linked                 there is a connection
ready                  the cloud has told what it wants since connect() or refresh()
changed                the offer may be another one since job() was asked last
job()                  what is offered: Job, or None; JobError when the offer is wrong (with .offer_id)
refresh()              asks for the offer again; `ready` turns False until the answer
source(job, offset)    Source of the image from byte `offset` on
report(event)          sends it; returns a handle
delivered(handle)      whether the cloud has acknowledged it
progress(percent)      may be lost
close()
Bad input from the network never raises: it is ignored, or refused through job().
"""
