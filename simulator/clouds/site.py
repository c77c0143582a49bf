# SPDX-License-Identifier: MIT
"""An aiohttp application on a port of its own, beside a core's server on the same event loop."""

from aiohttp import web

from simulator.errors import UserError

_SHUTDOWN_S = 0.1  # event streams never end by themselves


class Site:
    """All calls belong to the event loop that `open` ran on."""

    def __init__(self, app: web.Application, host: str = "127.0.0.1", port: int = 0) -> None:
        # A handler whose client has left is not left waiting: an event stream would not notice before it writes.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S, handler_cancellation=True)
        self._host, self._port = host, port

    async def open(self) -> int:
        """Listens and returns the port; UserError("cannot_listen") if that cannot be."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            text = f"cannot listen on {self._host}:{self._port}: {error.strerror}"
            raise UserError("cannot_listen", text) from error
        return self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stops listening and drops every connection."""
        await self._runner.cleanup()
