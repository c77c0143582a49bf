# SPDX-License-Identifier: MIT
"""CONNECT and its answer, by umqtt.simple over a stream that is open already. Loaded for that, and forgotten."""

# The stubs do not show its `socket`:
# pyright: reportAttributeAccessIssue=false

from umqtt import simple

from ota.errors import TransferError


class Socket:
    """Stands in for umqtt.simple's module `socket`."""

    def __init__(self, stream):
        self._stream = stream

    def socket(self, *_):
        return self._stream

    def getaddrinfo(self, *_):
        return ((None,),)


def connect(client, stream):
    """CONNECT, clean, and its answer. Raises TransferError; code mqtt_refused has the return code as detail."""
    real = simple.socket
    simple.socket = Socket(stream)
    try:
        simple.MQTTClient.connect(client, True)
    except simple.MQTTException as error:
        raise TransferError("mqtt_refused", error.args[0])
    except (OSError, IndexError, TypeError, AssertionError) as error:
        raise TransferError("mqtt_connect_failed", str(error))
    finally:
        simple.socket = real
