# SPDX-License-Identifier: MIT
"""The line to a LwM2M server: objects, registration, observations and Send over one endpoint, and who speaks first."""

from ota.cloud import lw_line
from ota.coap.endpoint import Endpoint
from ota.errors import JobError, TransferError
from ota.job import Offers
from ota.journal import Journal
from ota.lwm2m import firmware, formats
from ota.lwm2m.appdata import AppData
from ota.lwm2m.objects import Device, Server
from ota.lwm2m.observe import Observations
from ota.lwm2m.registration import Registration
from ota.lwm2m.send import Sender
from ota.lwm2m.service import Service
from ota.lwm2m.tree import Tree
from ota.port import const, forget, ticks_diff, ticks_ms

_REBOOT_MS = const(1000)
_LIFETIME_S = const(300)


class Client(Offers):
    """See ota.cloud for the promises; the job is in lwm2m.py. `machine`: object 5."""

    def __init__(self, board, identity):
        super().__init__(True)
        self.board = board
        self.identity = identity
        self.software = None
        self._line = self._endpoint = self._reboot_at = None
        self._journal = Journal(board.nvs, "lwm2m")
        facts = self._journal.facts
        is_mute = facts.get("mute", not board.number("send", 1))
        lifetime = facts.get("lt") or board.number("lifetime", _LIFETIME_S)
        self._account = Server(self, board.number("short_id", 1), lifetime, is_mute)
        self.machine = firmware.Firmware(self, lw_line.protocols(board), self._check_uri)
        self._data = AppData()
        tree = Tree((self._account, Device(self, board), self.machine, self._data))
        self._observations = Observations(self._account)
        self._service = Service(tree, self._observations, self.package)
        name = board.text("endpoint", "") or board.name
        is_queued = bool(board.number("queue", 0))
        self._registration = Registration(name, self._account, tree, is_queued, self._observations.clear)
        self.update = self._registration.update
        self._sender = Sender(tree, self._account, formats.SENML_CBOR, self.update)

    def connect(self):
        self.close()
        board = self.board
        lw_line.check(board)
        is_secure = lw_line.mode(board) != lw_line.NOSEC
        host, port = board.text("host", "127.0.0.1"), board.number("port", 5684 if is_secure else 5683)
        self._line = lw_line.open_line(board, is_secure, host, port)
        self._endpoint = Endpoint(self._line, self._service.serve)

    def close(self):
        self._observations.lost()
        self._registration.connected()
        self._endpoint = None
        if self._line is not None:
            self._line.close()
            self._line = None

    @property
    def linked(self):
        return self._line is not None

    @property
    def ready(self):
        return self._registration.is_up

    def refresh(self):
        """There is nothing to ask for: the server says what it wants."""

    def poll(self, ms):
        endpoint = self._endpoint
        if endpoint is None:
            raise TransferError("offline")
        self._speak(endpoint)
        endpoint.poll(ms)
        self._speak(endpoint)
        if self._reboot_at is not None and ticks_diff(ticks_ms(), self._reboot_at) > _REBOOT_MS:
            self.board.reset()

    def _speak(self, endpoint):
        """What we have to say, the most important first. The server hears of us before anything else."""
        if not endpoint.is_idle or self._registration.step(endpoint) or not self.ready:
            return
        if not self._observations.step(endpoint, self._service):
            self._sender.step(endpoint)

    @property
    def is_told(self):
        """Whether the server has heard all that there is to say."""
        return (
            self._endpoint is not None
            and self._endpoint.is_idle
            and self._registration.is_told
            and self._observations.is_told
            and self._sender.is_told
        )

    def is_quiet(self, since, ms):
        return ticks_diff(ticks_ms(), since) >= ms

    def publish(self, values, qos=1):
        """The application's own: a dict, for whoever observes object 19."""
        self._data.publish(values)
        self._observations.changed(19, 0)

    # what the objects ask for

    def now(self):
        return self.board.now()

    def reboot(self):
        """In a moment, when the answer is out."""
        self._reboot_at = ticks_ms()

    def told(self, is_changed):
        """Object 5: State or Result may be others, or one of them is to be told anyway."""
        self.keep()
        if is_changed:
            self._observations.changed(5, 3, 5, 1, 6, 7, 12)
            self._sender.add(self.machine.state, self.machine.result)
            self.update()  # a server without observations listens after an Update only

    def kept(self):
        """Object 1: what the server has written."""
        self._journal.keep(lt=self._account.lifetime, mute=self._account.is_mute)

    def package(self, m, out):
        """Answers a PUT to /5/0/0, see Service."""
        raise NotImplementedError

    def keep(self):
        """Writes down what is known of the job."""
        raise NotImplementedError

    def _check_uri(self, text):
        """The Result that speaks against a URI, 0 for none."""
        from ota.lwm2m import uri

        forget("ota.lwm2m.uri")
        try:
            uri.check(text)
        except JobError as error:
            return firmware.UNSUPPORTED if error.code == "url_unsupported" else firmware.BAD_URI
        if uri.SCHEMES.index(uri.scheme(text)) not in self.machine.protocols:
            return firmware.UNSUPPORTED
        return firmware.INITIAL
