# SPDX-License-Identifier: MIT
"""Probe: what TLS takes of the C library's memory, which is not MicroPython's heap. Runs on the interpreter alone.

Arguments: port of a server on this machine, files with its CA and with our certificate and key, all DER. The C library
writes what is in use to stderr, before and after the context is made, and after each of two sessions has begun.
"""

import socket
import sys

import ffi
import tls

_look = ffi.open(None).func("v", "malloc_stats", "")


def content(name):
    with open(name, "rb") as file:
        return file.read()


def make_context(ca, cert, key):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    context.load_verify_locations(content(ca))
    context.load_cert_chain(content(cert), content(key))
    return context


def session(context, port):
    sock = socket.socket()
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    secure = context.wrap_socket(sock, server_hostname="localhost")
    secure.write(b"?")
    secure.read(1)
    return secure


def main(port, *files):
    open_ones = []
    _look()
    context = make_context(*files)
    _look()
    for _ in range(2):
        open_ones.append(session(context, int(port)))
        _look()


main(*sys.argv[1:])
