# SPDX-License-Identifier: MIT
"""Asks a time server, for who cannot do without the time: certificates, rules about it. Setting `ntp_host`."""


def ask(board):
    """Sets the clock if an answer comes; blocks for some seconds at most if none does."""
    try:
        import ntptime  # frozen in MicroPython for the ESP32

        ntptime.host = board.text("ntp_host", ntptime.host)
        ntptime.settime()
    except (ImportError, OSError, IndexError):
        pass
