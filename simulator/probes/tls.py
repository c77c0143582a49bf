# SPDX-License-Identifier: MIT
"""Probe: what TLS takes of the C library's memory, which is not MicroPython's heap. Runs on the interpreter alone.

Arguments: "tls" or "dtls", port of a server on this machine, files with its CA and with our certificate and key, all
DER. The C library writes what is in use to stderr, before and after the context is made, and after each of two
sessions has begun.
"""

import select
import socket
import sys

import ffi
import tls

_TURN_MS = 100  # poll does not wake for what a handshake over datagrams has to repeat
_look = ffi.open(None).func("v", "malloc_stats", "")


def content(name):
    with open(name, "rb") as file:
        return file.read()


def make_context(protocol, ca, cert, key):
    context = tls.SSLContext(protocol)
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


def datagram_session(context, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock.setblocking(False)
    secure = context.wrap_socket(sock, server_hostname="localhost", do_handshake_on_connect=False)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    while secure.write(b"?") is None:
        poll.poll(_TURN_MS)
    while not secure.recv(1):
        poll.poll(_TURN_MS)
    return secure


KINDS = {"tls": (tls.PROTOCOL_TLS_CLIENT, session), "dtls": (tls.PROTOCOL_DTLS_CLIENT, datagram_session)}


def main(kind, port, *files):
    protocol, begin = KINDS[kind]
    open_ones = []
    _look()
    context = make_context(protocol, *files)
    _look()
    for _ in range(2):
        open_ones.append(begin(context, int(port)))
        _look()


main(*sys.argv[1:])
