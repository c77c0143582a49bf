# SPDX-License-Identifier: MIT
"""The boot guard: on the first boot of a new image, arms the deadline that brings the old one back."""

try:
    from ota import port

    port.keep_heap_compact()
    from ota import bootcheck
    from ota.board import Board

    bootcheck.guard(Board())
    del bootcheck
    port.forget("ota.bootcheck", "ota.otadata", "ota.crashes")  # what comes next takes its place in memory
except Exception as error:  # whatever is wrong, main.py gets its chance
    print("ota guard failed:", error)
