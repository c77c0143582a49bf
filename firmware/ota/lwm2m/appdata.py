# SPDX-License-Identifier: MIT
"""Object 19, binary application data: what the application publishes, as JSON, for whoever reads or observes it."""

import json

from ota.coap.message import NOT_ALLOWED


class AppData:
    oid = 19
    release = ""
    resources = {0: "Ro"}

    def __init__(self):
        self._data = b"{}"

    def publish(self, values):
        self._data = json.dumps(values).encode()

    def read(self, rid):
        return self._data

    def execute(self, rid, arguments):
        return NOT_ALLOWED
