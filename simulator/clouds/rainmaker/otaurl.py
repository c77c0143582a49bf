# SPDX-License-Identifier: MIT
"""What a node is told of a job, on `node/<id>/otaurl` (rainmaker.md 2.1, item 53)."""

import json
from typing import TYPE_CHECKING

from simulator.clouds.rainmaker.jobs import Job, Serialisation
from simulator.clouds.rainmaker.nodes import Node

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.cloud import RainMaker


def offer(cloud: "RainMaker", job: Job, node: Node) -> dict:
    """The job with a new URL; a key that does not apply is not there."""
    image = job.image
    fields = {
        "url": cloud.image_url(image, node),
        "fw_version": image.fw_version,
        "ota_job_id": job.id,
        "file_size": image.size,
        "file_md5": image.md5 if cloud.settings.send_md5 else None,
        "stream_id": job.stream_id,
        "metadata": job.metadata or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def wait(serialisation: Serialisation) -> dict:
    """Come again later: too many nodes of the network are at it (rainmaker.md section 9)."""
    fields = {
        "ota_available": True,
        "action": "wait",
        "min_wait": serialisation.min_wait,
        "max_wait": serialisation.max_wait,
        "ota_task": serialisation.ota_task_duration,
    }
    return {name: value for name, value in fields.items() if value is not None}


def text(fields: dict) -> bytes:
    """As it travels: `/` and `&` as they are, for the node's parser takes no escapes (rainmaker.md 2.1)."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
