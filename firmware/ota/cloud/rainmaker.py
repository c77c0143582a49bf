# SPDX-License-Identifier: MIT
"""ESP RainMaker (rainmaker.md): each job has an id, comes by push or when asked for, and ends by that id.

The cloud remembers (ota.cloud), but neither queues nor says "nothing": so it is asked at the start, every `fetch_h`
hours, and when something was put off. Settings in NVS "ota_cfg", or in the factory's (rm_factory.py): node_id, host,
and for TLS, which is on unless `tls` is 0: ca, cert, key. All are in docs/rainmaker.md.
"""

import json

from ota.cloud.rm_line import Line
from ota.errors import JobError
from ota.job import FIRMWARE, Job
from ota.port import const, forget
from ota.report import FAILED, UPDATED

_AFTER_SUCCESS_S = const(5)
_CBOR = const(1)  # values of the setting `streams`
_JSON = const(2)
_STATUS = "ota.cloud.rm_status"  # an update needs its place


class RainMaker(Line):
    """See ota.cloud for the promises. `identity`: (title, version) of what runs.

    The application may set `on_metadata`, a function of the dict that a job brings besides what is for the node, and
    `devices`, its part of the node configuration, before the first step.
    `busy`: a job is in hand, others are not heard. `attempt`: of that job, from 1 on, `failures`: those told already.
    """

    remembers = True
    linger_ms = 10000  # as long as RainMaker's own firmware

    def __init__(self, board, identity):
        super().__init__(board)
        if identity[1] == "unknown":
            from ota.cloud import rm_image

            identity = rm_image.identity(board)
        self.identity = identity
        self.software = None
        self.on_metadata = None
        self.devices = []
        self.busy = False
        self.attempt = 1
        self.failures = 0
        self._is_stream = False  # the way of this attempt
        self.step = 0  # tenths of the image that were told last

    # offers; they are taken in by rm_offer.py

    def job(self, kind):
        self.changed.discard(kind)
        known = self.known[kind]
        if not known:
            return None
        self.offer_id = known["id"]
        if "refused" in known:
            raise JobError(known["refused"])
        job = Job(known, True, kind)
        job.stream = known["stream_id"]
        if "limits" in known:
            from ota.cloud import rm_metadata

            forget("ota.cloud.rm_metadata")
            job.rules = rm_metadata.rules(known["limits"])
        return job

    def postponed(self, job, reason, until=None):
        _end().postponed(self, job, reason, until)

    def ended(self, job_id, error):
        _end().ended(self, job_id, error)

    def is_final(self, event):
        return _end().is_final(event)

    def ends_attempt(self, error):
        """Streams are asked for again often enough by their source; a web server is not (6.2)."""
        return self._is_stream and not error.beside

    def inspect(self, job, head):
        if job.kind == FIRMWARE:
            from ota.cloud import rm_image

            forget("ota.cloud.rm_image", "ota.image")
            rm_image.check(self, job, head)

    def source(self, job, offset):
        from ota.cloud import rm_offer

        forget("ota.cloud.rm_offer")
        self.busy = True  # it may have been put off
        self._is_stream = rm_offer.goes_by_stream(self, job)
        if self._is_stream:
            try:
                from ota.source.aws_stream import AwsStream

                if self.board.number("streams", _CBOR) == _JSON:
                    from ota.source.aws_json import Json as Form
                else:
                    from ota.source.cbor import Cbor as Form
            except ImportError:  # left off the board
                raise JobError("streams_unsupported")
            return AwsStream(self, job, offset, Form)
        from ota.source.http import Http

        forget("ota.source.http")  # goes with this source: what follows the download needs its place
        return Http(self.board, self, job, offset)

    # reports

    def report(self, event, kind):
        """`event`: dict with id, state and perhaps error. QoS 1."""
        job_id = event.get("id")
        if not job_id:
            return 0  # of another cloud, before this board was moved
        if " " in job_id:
            from ota.cloud import rm_params

            self._unacked = rm_params.report(self, event)
        else:
            from ota.cloud import rm_status

            forget(_STATUS)
            self._unacked = self.publish_text("otastatus", rm_status.body(job_id, *rm_status.words(self, event)))
        if event["state"] == FAILED:
            self.failures += 1
        elif event["state"] == UPDATED:
            self.fetch.after(_AFTER_SUCCESS_S)
        return self._unacked

    def progress(self, percent, kind):
        """For a bar in an app, in steps of ten; off unless the setting `progress` is 1 (2.3)."""
        step = percent // 10
        job_id = self.known[kind].get("id", " ")
        if step != self.step and 0 < step < 10 and " " not in job_id and self.board.number("progress", 0):
            from ota.cloud import rm_status

            forget(_STATUS)
            self.step = step
            self.publish_text("otastatus", rm_status.progress(job_id, step))

    def publish(self, values, qos=1):
        """The application's own: parameters of the device that is called as the product is."""
        return self.publish_text("params/local", json.dumps({self.identity[0]: values}), qos)


def _end():
    """What only the end of a job needs."""
    from ota.cloud import rm_end

    forget("ota.cloud.rm_end")
    return rm_end
