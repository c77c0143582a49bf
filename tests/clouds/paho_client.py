# SPDX-License-Identifier: MIT
"""paho-mqtt as the device, for tests over real sockets; whatever it hears waits in queues."""

import json
import queue

import paho.mqtt.client as paho

WAIT_S = 10


class Client:
    """Connected when it is made: `connack` is the answer, `session_present` its flag. `tls`: over a secure line.

    `messages`, `pubacks` (reasons) and `gone` (reasons of disconnects) are queues.
    """

    def __init__(self, port: int, protocol: int, token: str | None = "T", **login) -> None:
        self.messages = queue.Queue()
        self.results = queue.Queue()
        self.pubacks = queue.Queue()
        self.gone = queue.Queue()
        self.session_present = None
        client_id, clean = login.get("client_id", "board"), login.get("clean", True)
        more = {"reconnect_on_failure": False}  # who is closed stays closed
        if protocol != paho.MQTTv5:
            more["clean_session"] = clean
        self.paho = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id, protocol=protocol, **more)
        if "tls" in login:
            self.paho.tls_set_context(login["tls"])
        if token is not None:
            self.paho.username_pw_set(token, login.get("password"))
        self.paho.on_connect = self._connected
        self.paho.on_disconnect = lambda _c, _u, _f, reason, _p: self.gone.put(reason)
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_publish = lambda _c, _u, _m, reason, _p: self.pubacks.put(reason.value)
        self.paho.on_subscribe = lambda _c, _u, _m, reasons, _p: self.results.put([reason.value for reason in reasons])
        self.paho.connect("127.0.0.1", port, **({"clean_start": clean} if protocol == paho.MQTTv5 else {}))
        self.paho.loop_start()
        self.connack = self.results.get(timeout=WAIT_S)

    def _connected(self, _client, _userdata, flags, reason, _properties) -> None:
        self.session_present = flags.session_present
        self.results.put(reason)

    def subscribe(self, *names: str, qos: int = 1) -> list[int]:
        self.paho.subscribe([(name, qos) for name in names])
        return self.results.get(timeout=WAIT_S)

    def publish(self, topic: str, payload: object = "") -> int:
        """The reason in the PUBACK; 0 is success, and all there is before version 5."""
        data = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        self.paho.publish(topic, data, qos=1)
        return self.pubacks.get(timeout=WAIT_S)

    def send(self, topic: str, payload: str) -> None:
        """Publishes what nobody will acknowledge."""
        self.paho.publish(topic, payload, qos=1)

    def get(self) -> tuple[str, bytes]:
        message = self.messages.get(timeout=WAIT_S)
        return message.topic, message.payload

    def ask(self, topic: str, payload: object = "") -> bytes:
        """Publishes and returns what comes next."""
        self.publish(topic, payload)
        return self.get()[1]

    def chunk(self, request_id: int, index: int, size: int | str = 4096, prefix: str = "fw") -> bytes:
        return self.ask(f"v2/{prefix}/request/{request_id}/chunk/{index}", str(size))

    def is_quiet(self) -> bool:
        """Nothing more has come: asks the server something that it answers after everything before."""
        body = json.loads(self.ask("v1/devices/me/rpc/request/9", {"method": "getSessionLimits", "params": {}}))
        return "maxPayloadSize" in body and self.messages.empty()

    def ended(self) -> int:
        """Waits for the close; the reason, which only version 5 knows."""
        reason = self.gone.get(timeout=WAIT_S)
        return reason.value

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()
