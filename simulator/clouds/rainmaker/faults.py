# SPDX-License-Identifier: MIT
"""Misbehaviour on demand: rules such as "the next otaurl: twice" (rainmaker.md section 11, item 56).

How a rule is written, clouds/faults.py says.

    connect    mute  close
    subscribe  mute  close  push
    config     drop  mute  close  kick
    params     drop  mute  close  kick
    otafetch   drop  mute  close  kick
    otastatus  drop  mute  close  kick
    success    drop  mute  close  kick
    otaurl     drop  duplicate  delay=MS  md5[=TEXT]  size=BYTES  omit=KEY  set=KEY=JSON  escape  truncate=BYTES
    stream     drop  mute  close  kick
    answer     silent  delay=MS  reject=CODE
    resumed    silent  delay=MS  reject=CODE
    block      drop  duplicate  reorder  delay=MS  empty  corrupt  truncate=BYTES  extend=BYTES  other-index  other-file
    image      mute  close  delay=MS  status=CODE  expired  redirect[=BASE]  no-range  tag=TEXT  header=NAME:VALUE
               empty  corrupt  truncate=BYTES  extend=BYTES  cut=BYTES  length=BYTES  unframed  chunked
               raw[=TEXT]  pace=MS  stall=MS

INDEX is that of a block.
success is an otastatus that says so, otastatus any other. mute: handled, but no PUBACK. drop: lost on the way, neither
handled nor acknowledged. close: handled, and the connection is gone without a PUBACK; kick: right after the PUBACK.
push: the node is told its job before the SUBACK.

otaurl: md5 and size are wrong ones, escape writes `\\/` and `\\u0026` as some JSON writers do, truncate takes away so
many bytes of the text.

stream is a request about a stream on its way in, answer what comes of it; resumed is the same once the node has
connected anew after its first request for that stream. silent: a PUBACK, and no more. reorder: after the rest of what
was asked for together.

image is a download over HTTP. expired: as if the URL was too old. redirect: 302 to another URL, at BASE
(scheme://host:port) if given. no-range: all of it, whatever was asked for. tag: another ETag. cut: the connection
breaks after so many bytes of the body; truncate: the answer is honest about being shorter. length: what Content-Length
says; unframed: it is not there. raw: TEXT (with \\r, \\n, \\xNN) instead of an answer, or what is no HTTP. pace: MS
after every 1,460 bytes, stall: once, in the middle.
"""

import json
from collections.abc import Sequence
from typing import ClassVar

from simulator.clouds import faults
from simulator.clouds.rainmaker import otaurl
from simulator.errors import UserError

_REPORT = {"drop", "mute", "close", "kick"}
_ANSWER = {"silent", "delay", "reject"}


class Rule(faults.Rule):
    """One fault of a RainMaker cloud."""

    ACTIONS: ClassVar = {
        "connect": {"mute", "close"},
        "subscribe": {"mute", "close", "push"},
        **dict.fromkeys(("config", "params", "otafetch", "otastatus", "success"), _REPORT),
        "stream": _REPORT,
        **dict.fromkeys(("answer", "resumed"), _ANSWER),
        "block": {
            *("drop", "duplicate", "reorder", "delay", "empty", "corrupt", "truncate", "extend"),
            *("other-index", "other-file"),
        },
        "image": {
            *("mute", "close", "delay", "status", "expired", "redirect", "no-range", "tag", "header"),
            *("empty", "corrupt", "truncate", "extend", "cut", "length", "unframed", "chunked", "raw"),
            *("pace", "stall"),
        },
        "otaurl": {"drop", "duplicate", "delay", "md5", "size", "omit", "set", "escape", "truncate"},
    }
    INDEXED: ClassVar = ("block",)
    NUMBERS: ClassVar = {
        "delay": range(1 << 31),
        "size": range(1 << 31),
        "truncate": range(1, 1 << 16),
        "extend": range(1, 1 << 16),
        "status": range(200, 600),
        "cut": range(1 << 31),
        "length": range(1 << 31),
        "pace": range(1, 1 << 31),
        "stall": range(1, 1 << 31),
    }
    TEXTS: ClassVar = {"md5", "omit", "set", "reject", "redirect", "tag", "header", "raw"}
    OPTIONAL: ClassVar = {"md5", "redirect", "raw"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action == "set":
            self._setting()
        if self.action == "raw":
            unescape(self.argument)

    def _setting(self) -> dict[str, object]:
        """KEY=JSON as a dict."""
        key, _, text = self.argument.partition("=")
        try:
            return {key: json.loads(text)}
        except ValueError as error:
            raise UserError("bad_fault", f"fault set needs KEY=JSON, not {self.argument!r}") from error

    def spoil_fields(self, fields: dict) -> dict:
        """The fields of an otaurl as the rule leaves them."""
        if self.action == "md5":
            return {**fields, "file_md5": self.argument or "0" * 32}
        if self.action == "size":
            return {**fields, "file_size": int(self.argument)}
        if self.action == "omit":
            return {name: value for name, value in fields.items() if name != self.argument}
        if self.action == "set":
            return {**fields, **self._setting()}
        return fields


def unescape(text: str) -> bytes:
    """Bytes of a text with escapes as Python has them. UserError("bad_fault")."""
    try:
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    except UnicodeError as error:
        raise UserError("bad_fault", f"fault raw needs characters and escapes of one byte, not {text!r}") from error


def spoil_offer(fields: dict, rules: Sequence[Rule]) -> bytes:
    """The text of an otaurl the way these rules leave it."""
    for rule in rules:
        fields = rule.spoil_fields(fields)
    payload = otaurl.text(fields)
    for rule in rules:
        if rule.action == "escape":
            payload = payload.replace(b"/", b"\\/").replace(b"&", b"\\u0026")
        payload = bytes(rule.spoil(memoryview(payload)))
    return payload
