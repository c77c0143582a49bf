# SPDX-License-Identifier: MIT
"""An image or package behind a URI (lwm2m.md 3.2), by coap or http. Loaded when a download begins."""

from ota.errors import TransferError
from ota.lwm2m import tidy
from ota.port import forget


def source(cloud, job, offset):
    """Source from byte `offset` on. Raises JobError for a place that is not there."""
    forget("ota.cloud.lw_pull")
    if not job.url:
        from ota.lwm2m import uri
        from ota.source.coap import Coap

        forget("ota.lwm2m.uri", "ota.source.coap")  # what a source is made of goes with it
        return Coap(cloud, job, offset, uri.split(job.stream))
    _look_up(job.url, offset)
    tidy()
    from ota.source.http import Http

    forget("ota.source.http")
    return Http(cloud.board, cloud, job, offset)


def _look_up(url, offset):
    """Not part of `source`, which would keep what it has imported."""
    from ota import http
    from ota.lwm2m import line

    place = http.split(url)
    try:
        line.lookup(place[1], place[2])
    except TransferError as error:
        raise line.nowhere(error, offset)
