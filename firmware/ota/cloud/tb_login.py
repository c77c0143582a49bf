# SPDX-License-Identifier: MIT
"""ThingsBoard over MQTT: who we are (thingsboard.md 1.1), from the settings in NVS "ota_cfg".

token                          access token, the user name of the login
client_id, user, password      MQTT basic: any of them, as stored for the device
cert, key                      X.509 (with tls, see ota.secure): then nothing else is looked at
prov_key, prov_secret          instead of all these, the first time: fetch a token and keep it (ota.cloud.tb_provision)
tls                            1: TLS, verified against `ca`
"""

from ota.mqtt import Mqtt


def client(board, host, port_number, token):
    """An open connection that has not logged in yet. `token`: the one that is known already, or "". TransferError."""
    tls = bool(board.number("tls", 0))
    client_id = board.text("client_id", "")
    user = token or board.text("token", "")
    password = ""
    if not user:
        user = board.text("user", "")
        password = board.text("password", "")
    if not user and not client_id and board.text("prov_key", ""):
        from ota.cloud import tb_provision

        user = tb_provision.over_mqtt(board, host, port_number, tls)
    stream = board.open_stream(host, port_number, tls)
    name = (client_id or board.name).encode()
    return Mqtt(stream, name, user.encode() or None, password.encode())
