# SPDX-License-Identifier: MIT
"""MicroPython's `micropython`, without what CPython cannot do (a heap to lock or to look into)."""


def const(value):
    return value


def schedule(function, argument):
    function(argument)


def native(function):
    return function


viper = native


def opt_level(level=0):
    return 0


def kbd_intr(character):
    pass


def alloc_emergency_exception_buf(size):
    pass
