# SPDX-License-Identifier: MIT
"""Each knob of lwm2m.md 9.1 has a name and can be turned; what it does, the other tests show."""

import pytest

from simulator.clouds.lwm2m import Knobs, knobs
from simulator.clouds.lwm2m.options import STRATEGIES
from simulator.errors import UserError

# Every row of the table, as this server names it.
TABLE = [
    *(f"task.strategy={strategy}" for strategy in STRATEGIES),
    *("task.method=push", "task.method=pull"),
    *(f"task.protocol={protocol}" for protocol in ("coap", "coaps", "http", "https")),
    *(f"{part}.block={size}" for part in ("file", "push") for size in (16, 64, 256, 512, 1024)),
    *("file.etag=on", "file.etag=off", "file.etag=changing", "file.tells_size=false", "file.separate_ms=300"),
    *("push.format=11542", "push.format=none", "push.tells_size=false"),
    *(f"{part}.accept={number}" for part in ("server", "task") for number in ("none", 0, 110, 112, 11542, 11543)),
    *(f"task.{what}_format={number}" for what in ("uri", "reset") for number in ("none", 0, 110, 112, 11542)),
    *("task.reset=empty", "task.reset=nul", "task.always_resets=true", "task.is_strict=true"),
    *("task.window_s=5", "task.quota_s=60", "task.schedule=weekends", "task.timeout_s=30"),
    *("task.resumes=true", "task.uses_cache=true", "task.extends_lifetime=false", "task.starts_at_once=true"),
    *("server.registration=wakaama", "server.registration=leshan", "server.follows_address=true"),
    *("server.location=split", "server.location=joined"),
    *("server.after_register=all", "server.after_register=device", "server.after_register=nothing"),
    *("server.lifetime_s=900", "server.mute_send=true", "server.mute_send=none"),
    *("task.cancels=execute+empty+nul", "task.cancels=nul", "task.by_reset=true", "task.base=coap://10.0.0.9"),
    *("task.attempts=3", "task.retries=4+8", "task.retries_silence=true", "task.is_mobile=true"),
]


@pytest.mark.parametrize("text", TABLE)
def test_l58_m_a_knob_can_be_turned(text):
    part, _, name = text.partition("=")[0].partition(".")
    value = getattr(getattr(Knobs().turned(text), part), name)
    shown = "+".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
    assert shown == text.partition("=")[2].lower()
    if part == "push":
        assert getattr(Knobs().turned(text).options.style, name) == value


def test_every_knob_is_listed():
    assert {text.partition("=")[0] for text in TABLE} <= {text.partition("=")[0] for text in knobs.listing()}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("task", "bad_knob"),
        ("task.speed=1", "bad_knob"),
        ("task.style=1", "bad_knob"),
        ("tasks.method=pull", "bad_knob"),
        ("task.quota_s=soon", "bad_knob"),
        ("task.resumes=yes", "bad_knob"),
        ("push.block=100", "bad_options"),
        ("file.etag=maybe", "bad_options"),
        ("server.registration=strict", "bad_options"),
        ("server.accept=60", "bad_options"),
        ("task.cancels=kill", "bad_options"),
    ],
)
def test_a_knob_that_is_none_is_refused(text, code):
    with pytest.raises(UserError) as caught:
        Knobs().turned(text)
    assert caught.value.code == code
