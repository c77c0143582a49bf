# SPDX-License-Identifier: MIT
"""Object 19, binary application data: what the application publishes, as JSON, for whoever reads or observes it."""


class Object:
    resources = {0: "Ro"}

    def __init__(self, cloud):
        self._cloud = cloud

    def read(self, rid):
        return self._cloud.data
