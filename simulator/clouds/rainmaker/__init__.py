# SPDX-License-Identifier: MIT
"""A mock ESP RainMaker: what a node can see of the cloud over MQTT and HTTPS, as strict and odd as rainmaker.md says.

The MQTT side is AWS IoT Core as a node meets it, an end point and no broker: a certificate says who it is, a policy
what it may say. RainMaker Neo, which speaks AWS IoT Jobs, is another product.

| file | what it holds |
|---|---|
| `cloud.py` | `RainMaker`: the sans-IO core, and the calls that play administrators and users |
| `session.py`, `outbox.py` | one connection: what each packet means, how it ends; what waits for a PUBACK |
| `login.py`, `topics.py` | CONNECT and certificates; the node's policy, and what a topic means |
| `nodes.py`, `images.py`, `jobs.py`, `ids.py` | what the cloud keeps, and its rules for what there can be |
| `ota.py` | which node gets which job and when, and what ends a job |
| `otaurl.py`, `urls.py` | what a node is told; URLs that expire |
| `reports.py`, `bodies.py` | node config, parameters, otafetch and otastatus, read as the cloud reads them |
| `streams.py` | blocks of an image over MQTT: AWS IoT's file delivery |
| `store.py` | the web server that images come from: a second core in front of the same state |
| `node_api.py` | HTTPS instead of MQTT for nodes: a third core |
| `pki.py` | a private CA: certificates of nodes and of the cloud |
| `faults.py` | misbehaviour on demand |

What administrators and users do, all by methods of `RainMaker`: `add_node`, `add_group`, `join`, `leave`, `add_image`,
`archive_image`, `delete_image`, `create_job`, `cancel_job`, `archive_job`, `retrigger`, `set_params`, `available`,
`approve`, `image_url`, `take_over`, `add_fault`; and to look things up `nodes`, `groups`, `images`, `jobs` (by id),
`node`, `group`, `image`, `job` (UserError for an id that is none's). A Job has `status`, `counts()` and `node_jobs` (by
node id), a NodeJob `state` and `history`.

| event | its fields, beside `event` and `at_ms` |
|---|---|
| `node_added` | node |
| `refused` | conn, client_id, reason: a connection that is not let in |
| `connect` | node, conn, protocol, clean, keepalive_s, username |
| `close` | node, conn, by (node, cloud), reason |
| `subscribe`, `unsubscribe` | node, filters |
| `config`, `params`, `published` | node, and what it said of itself |
| `set_params` | node, params, delivered |
| `otafetch` | node, fw_version, network_id |
| `node_api` | node or None, method, what, status: a request over HTTPS |
| `otaurl` | node, job, cause (fetch, push, approval, wait), size, delivered |
| `redelivery` | node, topic |
| `otastatus` | node, job, status, info, ts, problem: why it counts for nothing, or None |
| `ignored` | node, why, and what it was about |
| `job_created` | job, name, image, priority |
| `job_changed` | job, status, expired or archived |
| `node_job` | node, job, state, info, ts_source |
| `notified` | job, nodes |
| `stream_request` | node, kind (get, describe), format, stream, f, l, o, n, s, has_bitmap |
| `stream_refused` | node, stream, code |
| `block` | node, stream, index, length, delivered |
| `http`, `http_bad` | node whose URL it was, method, what, range, status, length; what was no HTTP |
| `fault_added`, `fault` | rule; where, index, action, argument |

Not modelled: claiming (give nodes certificates), persistent sessions, shadows, the rates that AWS IoT allows but that
of CONNECT. TLS is for the driver (simulator/clouds/server.py); a client's certificate comes with `open`.
"""

from simulator.clouds.rainmaker.cloud import RainMaker, Settings
from simulator.clouds.rainmaker.faults import Rule
from simulator.clouds.rainmaker.images import Image
from simulator.clouds.rainmaker.jobs import Entry, Job, NodeJob, Serialisation
from simulator.clouds.rainmaker.node_api import NodeApi
from simulator.clouds.rainmaker.nodes import EVERYBODY, Group, Node
from simulator.clouds.rainmaker.store import ImageStore

__all__ = [
    "EVERYBODY", "Entry", "Group", "Image", "ImageStore", "Job", "Node", "NodeApi", "NodeJob", "RainMaker", "Rule",
    "Serialisation", "Settings",
]  # fmt: skip
