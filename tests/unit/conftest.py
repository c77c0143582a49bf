# SPDX-License-Identifier: MIT
"""Lets CPython import umqtt.simple, which a board has frozen in, under the old names that version 1.3.4 uses."""

import binascii
import socket
import struct
import sys

from simulator.interpreters import ROOT

sys.path.append(str(ROOT / ".tools" / "umqtt"))
sys.modules.update(usocket=socket, ustruct=struct, ubinascii=binascii)
