# SPDX-License-Identifier: MIT
"""Reads what a broker keeps for this device: first its configuration, then the releases that this leaves.

Nothing tells that all retained messages have come: some brokers send them behind the SUBACK, one by one. So a reading
is over when it was granted and then all was quiet for a while. Beside it: what messages mean that come later.
"""

import json

from ota.cloud import br_choice
from ota.errors import JobError, TransferError
from ota.job import KINDS
from ota.log import log
from ota.port import const, ticks_diff, ticks_ms

_QUIET_MS = const(500)
_ANSWER_MS = const(10000)
_LONGEST_MS = const(30000)  # somebody publishes all the time: what is known has to do
_SWITCHES = {"forced": False, "enabled": True, "pending": False}  # what goes without saying
_TOKEN = const(64)


class Reading:
    """`asked`: packet id of the SUBSCRIBE. `best`: kind -> (rank, fields, topic) of the releases so far."""

    def __init__(self, cloud):
        self._cloud = cloud
        self.best = {}
        self._switches = dict(_SWITCHES)
        self._config = None
        self._ask()

    def _ask(self):
        cloud = self._cloud
        self.asked = 0
        self._is_granted = False
        self._begun = self._since = ticks_ms()
        if cloud.config is None:
            _check_names(cloud)
            cloud.held.clear()
            topics = [cloud.own + "config", cloud.own + "set/+"]
        else:
            topics = self._topics(cloud.config)
        if topics:
            self.asked = cloud.mqtt.subscribe([(topic.encode(), 1) for topic in topics])
        else:
            self._is_granted = True

    def _topics(self, config):
        """Those of the releases that count."""
        cloud = self._cloud
        cloud.places = br_choice.places(config, cloud.base, cloud.own)
        self.best = {}
        for kind, fields in config.locked.items():
            if fields and not config.is_development:
                self.best[kind] = (br_choice.LOCKED, fields, cloud.own + "config")
        return list(cloud.places)

    def granted(self, codes):
        """The answer to SUBSCRIBE. Raises TransferError when we may not know what is special about this device."""
        self._is_granted = True
        self._since = ticks_ms()
        if any(code >= 0x80 for code in codes):
            if self._cloud.config is None:
                raise TransferError("subscription_refused")
            log("warning", "code", "subscription_refused")

    def is_over(self):
        """Whether everything was read; asks for the releases once the configuration is there. Raises TransferError."""
        now = ticks_ms()
        if not self._is_granted:
            if self._cloud.mqtt.is_quiet(self._since, _ANSWER_MS):
                raise TransferError("subscription_unanswered")
            return False
        if ticks_diff(now, self._since) < _QUIET_MS and ticks_diff(now, self._begun) < _LONGEST_MS:
            return False
        if self._cloud.config is not None:
            self._conclude()
            return True
        if not self._switches["forced"]:
            self._cloud.tell("forced", "false")  # the echo only: it goes without saying
        for name, value in self._switches.items():
            if value != _SWITCHES[name]:
                _ask(self._cloud, name, value)
        self._cloud.config = self._config or br_choice.Config()
        self._ask()
        return False

    def _conclude(self):
        """All is read: what is offered is known."""
        for kind in KINDS:
            best = self.best.get(kind, (0, {}, ""))
            self._cloud.learn(kind, best[1])
            self._cloud.origin[kind] = best[2]

    def configure(self, payload):
        """The device's configuration has come."""
        if self._cloud.config is None:
            self._config = config(self._cloud, payload)
        else:  # anew, while the releases are read
            self._cloud.config = config(self._cloud, payload)
            self._ask()

    def switch(self, name, value):
        """True when it was kept for the end of the first part."""
        self._since = ticks_ms()
        if self._cloud.config is None:
            self._switches[name] = value
        return self._cloud.config is None

    def release(self, topic, payload):
        """One of the releases that count."""
        cloud = self._cloud
        self._since = ticks_ms()
        kind, rank = cloud.places[topic]
        best = self.best.get(kind)
        if best and best[2] == topic:  # another one on the same topic: whatever it beat has to be seen again
            self._ask()
            return
        if not payload and payload is not None:
            return
        if topic in cloud.held:
            if cloud.origin.get(kind) != topic:
                return
            fields = cloud.known[kind]
        else:
            try:
                fields = br_choice.release(payload, kind)
            except JobError as error:
                _refuse(cloud, topic, error.code)
                fields = br_choice.refused(payload, error.code)
        if not best or br_choice.wins(rank, fields, best[0], best[1]):
            self.best[kind] = (rank, fields, topic)


def take(cloud, reading, topic, payload):
    """One message. `topic`: bytes, as they came. `reading`: the Reading that goes on, None if there is none."""
    try:
        topic = str(topic, "utf-8")
    except ValueError:
        log("warning", "code", "bad_topic")
        return
    name = topic[len(cloud.own) :] if topic.startswith(cloud.own) else ""
    if name == "config":
        if reading is not None:
            reading.configure(payload)
        elif _is_now(payload):
            cloud.config = config(cloud, payload)
            cloud.refresh()
    elif name.startswith("set/"):
        try:
            _command(cloud, reading, name[4:], payload)
        except JobError as error:
            _refuse(cloud, topic, error.code)
    elif topic in cloud.places:
        if reading is not None:
            reading.release(topic, payload)
        elif br_choice.is_immediate(payload):
            cloud.held.discard(topic)
            cloud.refresh()
        else:
            cloud.held.add(topic)
            log("idle", "reason", "gradual")


def config(cloud, payload):
    """The Config that a message brings. With one that nobody can read a device takes only what is for it alone."""
    try:
        return br_choice.Config(payload)
    except JobError as error:
        _refuse(cloud, cloud.own + "config", error.code)
        broken = br_choice.Config()
        broken.is_development = True
        return broken


def _is_now(payload):
    try:
        return not payload or br_choice.parse(payload).get("immediate") is not False
    except JobError:
        return True


def _ask(cloud, name, value):
    """Something is asked of the agent; `forced` only once the broker has our answer (particle.md 3)."""
    if name == "forced":
        cloud.echo = (cloud.tell(name, "true" if value else "false"), value)
    else:
        cloud.asked.append((name, value))


def _command(cloud, reading, name, payload):
    if name in _SWITCHES:
        if payload not in (b"true", b"false", b""):
            raise JobError("bad_switch")
        value = payload == b"true" if payload else _SWITCHES[name]
        if reading is None or not reading.switch(name, value):
            _ask(cloud, name, value)
    elif cloud.config is None:
        raise JobError("retained")  # a thing to be done once, which would be done at each connect
    elif name in ("cancel", "force") and payload == b"true":
        _ask(cloud, name, None)
    elif name == "explain" and payload and len(payload) <= _TOKEN and all(32 < c < 127 for c in payload):
        _ask(cloud, name, str(payload, "utf-8"))
    else:
        raise JobError("bad_command")


def _refuse(cloud, topic, code):
    """Says that a message cannot be read."""
    log("warning", "code", code)
    cloud.publish_text("error", json.dumps({"topic": topic, "code": code}), 1)


def _check_names(cloud):
    """What was provisioned has to be fit for topics. Raises TransferError."""
    names = cloud.own.split("/")
    if len(names) != 5 or not all(map(br_choice.is_name, (names[1], names[3]))):
        raise TransferError("bad_settings", "product or device_id")
