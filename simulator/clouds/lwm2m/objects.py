# SPDX-License-Identifier: MIT
"""What the server knows of the objects it works with: types of resources (OMA registry, lwm2m.md 1.3, 1.4, 2.1)."""

from simulator.clouds.lwm2m.coap import segments

STRING, INTEGER, BOOLEAN, OPAQUE, TIME, UNKNOWN = "string", "integer", "boolean", "opaque", "time", "unknown"
Value = str | int | float | bool | bytes

PACKAGE, PACKAGE_URI, UPDATE, STATE, RESULT = "/5/0/0", "/5/0/1", "/5/0/2", "/5/0/3", "/5/0/5"
PROTOCOLS, DELIVERY, CANCEL, FIRMWARE = "/5/0/8", "/5/0/9", "/5/0/10", "/5/0"
LIFETIME, UPDATE_TRIGGER, MUTE_SEND = "/1/0/1", "/1/0/8", "/1/0/23"
VERSION, SOFTWARE_VERSION, REBOOT = "/3/0/3", "/3/0/19", "/3/0/4"
MAKER, MODEL, SERIAL, HARDWARE = "/3/0/0", "/3/0/1", "/3/0/2", "/3/0/18"

IDLE, DOWNLOADING, DOWNLOADED, UPDATING = range(4)
STATES = ("Idle", "Downloading", "Downloaded", "Updating")
INITIAL, SUCCESS, UPDATE_FAILED, DEFERRED = 0, 1, 8, 11
RESULTS = (
    "Initial value",
    "Firmware updated successfully",
    "Not enough flash memory for the new firmware package",
    "Out of RAM during downloading process",
    "Connection lost during downloading process",
    "Integrity check failure for new downloaded package",
    "Unsupported package type",
    "Invalid URI",
    "Firmware update failed",
    "Unsupported protocol",
    "Firmware update cancelled",
    "Firmware update deferred",
)

# Object 9, Software Management (9.xml)
SW_NAME, SW_VERSION, SW_PACKAGE, SW_URI, INSTALL, UNINSTALL = "/9/0/0", "/9/0/1", "/9/0/2", "/9/0/3", "/9/0/4", "/9/0/6"
SW_STATE, SW_RESULT, ACTIVATE, DEACTIVATE, IS_ACTIVE = "/9/0/7", "/9/0/9", "/9/0/10", "/9/0/11", "/9/0/12"
SOFTWARE = "/9/0"
SW_INITIAL, SW_STARTED, SW_DOWNLOADED, SW_DELIVERED, SW_INSTALLED = range(5)
SW_STATES = ("Initial", "Download started", "Downloaded", "Delivered", "Installed")
FOR_UPDATE = "1"  # argument of Uninstall: the software runs on until its successor comes
SW_GOOD, SW_VERIFIED, SW_WORST, SW_NOT_INSTALLED = 2, 3, 50, 58  # results; from the third on they are errors
SW_RESULTS = {
    0: "Initial value",
    1: "Downloading",
    2: "Software successfully installed",
    3: "Successfully downloaded and package integrity verified",
    50: "Not enough storage for the new software package",
    51: "Out of memory during downloading process",
    52: "Connection lost during downloading process",
    53: "Package integrity check failure",
    54: "Unsupported package type",
    56: "Invalid URI",
    57: "Device defined update error",
    58: "Software installation failure",
    59: "Uninstallation failure",
}

SCHEMES = ("coap", "coaps", "http", "https", "coap+tcp", "coaps+tcp")  # by their numbers in /5/0/8
PULL, PUSH, BOTH = range(3)  # in /5/0/9

_TYPES = {
    1: dict.fromkeys((0, 1, 2, 3, 5), INTEGER) | {6: BOOLEAN, 7: STRING, 23: BOOLEAN},
    3: dict.fromkeys((0, 1, 2, 3, 14, 15, 16, 17, 18, 19), STRING)
    | dict.fromkeys((6, 7, 8, 9, 10, 11, 20, 21), INTEGER)
    | {13: TIME},
    5: {0: OPAQUE, 1: STRING, 3: INTEGER, 5: INTEGER, 6: STRING, 7: STRING, 8: INTEGER, 9: INTEGER}
    | {11: INTEGER, 12: TIME, 13: INTEGER, 14: BOOLEAN},
    9: {0: STRING, 1: STRING, 2: OPAQUE, 3: STRING, 7: INTEGER, 8: BOOLEAN, 9: INTEGER, 12: BOOLEAN},
}


def type_of(path: str) -> str:
    """Of a resource or an instance of it."""
    parts = segments(path)
    if len(parts) < 3 or not all(part.isdecimal() for part in parts):
        return UNKNOWN
    return _TYPES.get(int(parts[0]), {}).get(int(parts[2]), UNKNOWN)


def result_text(result: object) -> str:
    """What a person is told of an Update Result."""
    known = isinstance(result, int) and 0 <= result < len(RESULTS)
    return RESULTS[result] if known else f"unknown result {result}"


def state_text(state: object) -> str:
    """A State's name."""
    return STATES[state] if isinstance(state, int) and 0 <= state < len(STATES) else f"unknown state {state}"


def software_result_text(result: object) -> str:
    """The same of a result of object 9."""
    return SW_RESULTS.get(result, f"unknown result {result}") if isinstance(result, int) else f"unknown result {result}"


def software_state_text(state: object) -> str:
    return SW_STATES[state] if isinstance(state, int) and 0 <= state < len(SW_STATES) else f"unknown state {state}"
