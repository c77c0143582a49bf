# SPDX-License-Identifier: MIT
"""The node configuration (rainmaker.md 1): who this node is, told once a boot. Loaded for that, and forgotten."""

import json

from ota.port import const, forget

_FORMAT = const("2020-03-20")
_PLATFORMS = {0: "esp32", 2: "esp32s2", 5: "esp32c3", 9: "esp32s3", 12: "esp32c2", 13: "esp32c6", 16: "esp32h2"}


def tell(cloud):
    """Makes the configuration and leaves it with the cloud's notes."""
    board = cloud.board
    title, version = cloud.identity
    info = {
        "name": board.text("node_name", title),
        "fw_version": version,
        "type": board.text("node_type", "Sensor"),
        "model": board.text("node_model", title),
        "project_name": title,
        "platform": _PLATFORMS.get(board.chip_id(), "esp32"),
    }
    services, values = [], {}  # the latter: of parameters
    if board.number("params", 0):
        from ota.cloud import rm_params

        services.append(rm_params.service())
        rm_params.begin(values)
    if board.number("control", 1):
        from ota.cloud import rm_service

        forget("ota.cloud.rm_service")
        rm_service.add(cloud, services, values)
    config = {"node_id": cloud.node_id, "config_version": _FORMAT, "info": info}
    config.update(attributes=[], devices=cloud.devices, services=services)
    cloud.note("config", json.dumps(config))
    if values:
        cloud.note("params/local/init", json.dumps(values))
