# SPDX-License-Identifier: MIT
"""What ota.cloud.tb_provision makes of each answer of the server."""

import json

from fakes import raises

from ota.cloud import tb_provision
from ota.errors import TransferError

GOOD = {"status": "SUCCESS", "credentialsType": "ACCESS_TOKEN", "credentialsValue": "T"}


class Settings:
    def __init__(self, is_broken=False):
        self.blobs = {}
        self.committed = False
        self._is_broken = is_broken

    def set_blob(self, name, value):
        if self._is_broken:
            raise OSError(-4357)
        self.blobs[name] = value
        self.committed = False

    def commit(self):
        self.committed = True


class Board:
    name = "board-1"

    def __init__(self, **texts):
        self.settings = Settings()
        self._texts = texts

    def text(self, name, default):
        return self._texts.get(name, default)


def keep(board, **fields):
    return tb_provision._keep(board, json.dumps(fields).encode())


def test_provision_request_has_name_key_and_secret():
    board = Board(prov_key="K", prov_secret="S")
    assert json.loads(tb_provision._request(board)) == {
        "deviceName": "board-1",
        "provisionDeviceKey": "K",
        "provisionDeviceSecret": "S",
    }
    assert json.loads(tb_provision._request(Board(prov_name="x")))["deviceName"] == "x"


def test_provision_token_is_kept():
    board = Board()
    assert keep(board, **GOOD) == "T"
    assert board.settings.blobs == {"token": b"T"}
    assert board.settings.committed


def test_provision_token_that_cannot_be_kept_serves_at_least_now():
    board = Board()
    board.settings = Settings(is_broken=True)
    assert keep(board, **GOOD) == "T"


def test_provision_refusals_have_codes():
    for status, code in (("NOT_FOUND", "provision_not_found"), ("FAILURE", "provision_failed")):
        board = Board()
        error = raises(
            TransferError, code, tb_provision._keep, board, json.dumps({"status": status, "errorMsg": "why"})
        )
        assert error.detail == 5  # rarely tried again
        assert board.settings.blobs == {}


def test_provision_answers_that_are_none_keep_nothing():
    answers = [b"", b"{", b"[]", b"null", b'"SUCCESS"', b"{}", b"\xff", None, b"[" * 3000]
    for changes in (
        {"status": "success"},
        {"status": 1},
        {"status": None},
        {"status": ["NOT_FOUND"]},
        {"credentialsType": "MQTT_BASIC"},
        {"credentialsType": None},
        {"credentialsValue": ""},
        {"credentialsValue": None},
        {"credentialsValue": {"userName": "u"}},
        {"credentialsValue": "x" * 201},
    ):
        answer = dict(GOOD)
        answer.update(changes)
        answers.append(json.dumps(answer).encode())
    for answer in answers:
        board = Board()
        raises(TransferError, "provision_bad_answer", tb_provision._keep, board, answer)
        assert board.settings.blobs == {}, answer


class Mqtt:
    def send(self, topic, payload):
        self.sent = (topic, json.loads(payload))
        return 7


class Cloud:
    mqtt = None


def test_provision_claim_says_no_more_than_it_knows():
    cloud = Cloud()
    raises(TransferError, "offline", tb_provision.claim, cloud)
    cloud.mqtt = Mqtt()
    assert tb_provision.claim(cloud) == 7
    assert cloud.mqtt.sent == (b"v1/devices/me/claim", {"secretKey": ""})
    tb_provision.claim(cloud, "abc", 60000)
    assert cloud.mqtt.sent[1] == {"secretKey": "abc", "durationMs": 60000}
