# SPDX-License-Identifier: MIT
"""Stand-in for umqtt.simple as of 1.5: same names, same signatures, same use of its `socket`, in our own words.

The real one comes from mip, which a test machine may not reach. New since 1.3.4: `ssl` takes an SSLContext, `connect`
has a `timeout` and always sets it, an empty user counts as none, and modules are imported by their present names.
What our layer does itself and must never call fails here.
"""

import socket
import struct


class MQTTException(Exception):
    pass


class MQTTClient:
    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=None,
        ssl_params={},  # noqa: B006
    ):
        self.client_id = client_id
        self.sock = None
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.pid = 0
        self.cb = None
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.lw_topic = None
        self.lw_msg = None
        self.lw_qos = 0
        self.lw_retain = False

    def connect(self, clean_session=True, timeout=None):
        self.sock = socket.socket()
        self.sock.settimeout(timeout)
        self.sock.connect(socket.getaddrinfo(self.server, self.port)[0][-1])
        assert not self.ssl, "our layer brings its stream along, encrypted or not"
        texts = [self.client_id] + ([self.user, self.pswd] if self.user else [])
        flags = (0xC0 if self.user else 0) | (2 if clean_session else 0)
        self._send_head(10 + sum([2 + len(text) for text in texts]), flags)
        for text in texts:
            self._send_str(text)
        answer = self.sock.read(4)
        assert answer[0] == 0x20 and answer[1] == 2
        if answer[3]:
            raise MQTTException(answer[3])
        return answer[2] & 1

    def _send_head(self, size, flags):
        head = bytearray(b"\x10")
        while size > 127:
            head.append(size & 127 | 128)
            size >>= 7
        head.append(size)
        self.sock.write(head, len(head))
        self.sock.write(struct.pack("!H4sBBH", 4, b"MQTT", 4, flags, self.keepalive))

    def _send_str(self, text):
        self.sock.write(struct.pack("!H", len(text)))
        self.sock.write(text)

    def disconnect(self):
        self.sock.write(b"\xe0\0")
        self.sock.close()

    def ping(self):
        self.sock.write(b"\xc0\0")

    def _recv_len(self):
        raise NotImplementedError("our layer reads by itself")

    def set_callback(self, f):
        raise NotImplementedError("our layer has no callbacks")

    def set_last_will(self, topic, msg, retain=False, qos=0):
        raise NotImplementedError("our layer has no last will")

    def publish(self, topic, msg, retain=False, qos=0):
        raise NotImplementedError("our layer has `send`")

    def subscribe(self, topic, qos=0):
        raise NotImplementedError("our layer has its own")

    def wait_msg(self):
        raise NotImplementedError("our layer reads by itself")

    def check_msg(self):
        raise NotImplementedError("our layer reads by itself")
