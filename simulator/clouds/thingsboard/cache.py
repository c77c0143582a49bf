# SPDX-License-Identifier: MIT
"""The server's cache of package bytes, loaded by the first request of a request id only (thingsboard.md 4.1, Cache)."""

from simulator.clouds.thingsboard.packages import Package


class Cache:
    """Keeps `size` packages for `ttl_ms` after they were loaded; the oldest goes first."""

    def __init__(self, size: int, ttl_ms: int) -> None:
        self._size = size
        self._ttl_ms = ttl_ms
        self._loaded_ms: dict[Package, int] = {}

    def load(self, package: Package, now_ms: int) -> None:
        self._loaded_ms.pop(package, None)
        self._loaded_ms[package] = now_ms
        if len(self._loaded_ms) > self._size:
            del self._loaded_ms[next(iter(self._loaded_ms))]

    def data(self, package: Package, now_ms: int) -> bytes | None:
        """The package's bytes, or None if they have gone since."""
        loaded_ms = self._loaded_ms.get(package)
        if loaded_ms is None or now_ms - loaded_ms >= self._ttl_ms:
            return None
        return package.data
