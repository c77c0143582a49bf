# SPDX-License-Identifier: MIT
"""ThingsBoard over MQTT without an access token: who we are then (thingsboard.md 1.1). Settings in NVS "ota_cfg":

client_id, user, password  MQTT basic: any of them, as stored for the device
cert, key                  X.509 (with tls, see ota.secure): the server looks at nothing else
prov_key, prov_secret      without a user and client_id: a token is fetched, once, and kept (tb_provision.py)
"""

from ota.mqtt import Mqtt


def client(board, address):
    """An open connection that has not logged in yet. Raises TransferError."""
    tls = board.number("tls", 0)
    client_id = board.text("client_id", "")
    user = board.text("user", "")
    if not user and not client_id and board.text("prov_key", ""):
        from ota.cloud import tb_provision

        user = tb_provision.over_mqtt(board, address, tls)
    stream = board.open_stream(*address, tls)
    name = (client_id or board.name).encode()
    return Mqtt(stream, name, user.encode() or None, board.text("password", "").encode())
